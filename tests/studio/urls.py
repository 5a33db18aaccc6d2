"""The addresses that the studio brings along, whatever else the project has."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("backupsvc.studio.urls")),
    path("admin/", admin.site.urls),
]
