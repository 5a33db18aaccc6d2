"""Addresses of the studio's application."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from backups.middleware import too_large

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    # Browsers ask for it whatever the pages say.
    path("favicon.ico", RedirectView.as_view(url=static("backups/icon.svg"))),
    # What a server in front shows for a body that it does not take: deploy/nginx.conf.
    path("413/", lambda request: too_large()),
    # Before the admin, which answers everything below its own address.
    path("", include("backupsvc.studio.urls")),
    path("admin/", admin.site.urls),
]
