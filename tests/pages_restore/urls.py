"""The project's addresses, and a page that asks who is signed in: the twin of the live page."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from backupsvc.urls import urlpatterns as project


def twin(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(request.user.is_authenticated))


urlpatterns = [path("twin/", twin), *project]
