"""How many requests a generated service answers a second, beside a bare Django project with the same queries on the same database."""

from __future__ import annotations

import pathlib
import re
import shutil
import tempfile
import textwrap
from collections.abc import Callable, Iterator

from benchmarks import engine, report
from benchmarks.measure import BenchmarkFailed, Series, run

NAME = "load"
TITLE = "A service under load"
RUNS = 5
SECONDS, CONNECTIONS, VISITS = 10, 16, 100_000
SERVICE = "bench-load"
COMPOSE = ["docker", "compose", "--file", "docker-compose.yml", "--file", "docker-compose.ci.yml", "--file", "docker-compose.bench.yml"]
WHAT = {
    "page": "the page, which reads a counter",
    "api": "`GET /api/v1/counters/`: a token, and a list of 20",
}
# What `django-admin startproject` gives, with Django REST framework and knox as their documentation says: no more.
BARE = {
    "settings.py": """
        import os
        SECRET_KEY, ROOT_URLCONF, ALLOWED_HOSTS, USE_TZ = "bare" * 20, "urls", ["*"], True
        AUTH_USER_MODEL = "accounts.User"
        INSTALLED_APPS = ["{package}", "accounts", "foundation", "foundation.outbox", "knox", "rest_framework"]
        INSTALLED_APPS += ["django.contrib.admin.apps.SimpleAdminConfig"]  # the service's own admin wants its settings
        INSTALLED_APPS += [f"django.contrib.{{name}}" for name in ("auth", "contenttypes", "sessions", "messages", "staticfiles")]
        MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.contrib.sessions.middleware.SessionMiddleware"]
        MIDDLEWARE += ["django.middleware.common.CommonMiddleware", "django.middleware.csrf.CsrfViewMiddleware"]
        MIDDLEWARE += ["django.contrib.auth.middleware.AuthenticationMiddleware", "django.contrib.messages.middleware.MessageMiddleware"]
        MIDDLEWARE += ["django.middleware.clickjacking.XFrameOptionsMiddleware"]
        processors = ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"]
        processors += ["django.contrib.messages.context_processors.messages"]
        TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["/bare"],
                      "OPTIONS": {{"context_processors": processors}}}}]
        DATABASES = {{"default": {{"ENGINE": "django.db.backends.mysql", "CONN_MAX_AGE": 60, "HOST": "mysql", "USER": "app",
                     "NAME": "{name}_db", "PASSWORD": os.environ["DATABASE_PASSWORD"]}}}}
        STATIC_URL = "/static/"
        REST_FRAMEWORK = {{"DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]}}
    """,
    "urls.py": """
        from django.shortcuts import render
        from django.urls import path
        from knox.auth import TokenAuthentication
        from rest_framework import generics, pagination, permissions, serializers
        from {package}.models import Counter

        class Pages(pagination.CursorPagination):
            page_size, ordering = 20, "id"

        class CounterSerializer(serializers.ModelSerializer):
            owner = serializers.SlugRelatedField(read_only=True, slug_field="username")
            class Meta:
                model, fields = Counter, ["id", "name", "value", "owner"]

        class Counters(generics.ListAPIView):
            queryset = Counter.objects.select_related("owner")
            serializer_class, pagination_class = CounterSerializer, Pages  # the same way to make a page of a list
            authentication_classes, permission_classes = [TokenAuthentication], [permissions.IsAuthenticated]

        def page(request):
            return render(request, "page.html", {{"counter": Counter.objects.filter(name="page").first()}})

        urlpatterns = [path("", page), path("api/v1/counters/", Counters.as_view())]
    """,
    "wsgi.py": """
        from django.core.wsgi import get_wsgi_application
        application = get_wsgi_application()
    """,
    "page.html": """
        <!doctype html><html lang="en"><head><title>Hello</title><link rel="stylesheet" href="/static/page.css"></head>
        <body><main><h1>Hello, World</h1><p>{{{{ counter.value }}}}</p><p>{{{{ counter.recorded_value }}}}</p></main></body></html>
    """,
}
# Both with as many processes and threads as the service's own gunicorn has, and no limit of requests that would answer 429.
FILES = """
services:
  web:
    environment: {{API_RATE: "1000000000/min"}}
  bare:
    image: "{name}:runtime"
    env_file: [.env]
    environment: {{DJANGO_SETTINGS_MODULE: settings, PYTHONPATH: "/bare:/service/server", MYSQL_ROOT_PASSWORD: ""}}
    command: [gunicorn, --bind, "0.0.0.0:8000", --workers, "2", --threads, "4", --worker-class, gthread, --keep-alive, "75",
              --worker-tmp-dir, /dev/shm, --log-level, warning, wsgi]
    volumes: ["./bare:/bare:ro"]
  wrk:
    image: "{name}:wrk"
    build: {{context: bare, dockerfile: Dockerfile}}
    profiles: [wrk]
"""
WRK = """
FROM {python}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends wrk
"""


class Stack:
    """The service as production runs it, and the bare project beside it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.path = folder / "services" / SERVICE
        places = ["-e", f"services_dir={folder / 'services'}", "-e", f"inventories_dir={folder / 'inventories'}"]
        run(["ansible-playbook", "new_service.yml", "-e", f"name={SERVICE}", *places])
        images = engine.base_images()
        run([self.path / "bin/dotenv", *[f"{key}={image}" for key, image in images.items()]])
        bare = self.path / "bare"
        bare.mkdir()
        for name, text in BARE.items():
            (bare / name).write_text(textwrap.dedent(text).strip().format(package=self.package, name=SERVICE.replace("-", "_")) + "\n")
        (bare / "Dockerfile").write_text(WRK.format(python=images["PYTHON_IMAGE"]).strip() + "\n")
        (self.path / "docker-compose.bench.yml").write_text(FILES.format(name=SERVICE))

    def compose(self, *words: str) -> str:
        return run(["env", "-C", self.path, *COMPOSE, *words])

    def up(self) -> None:
        self.compose("up", "--build", "--detach", "--wait")
        self.compose("--profile", "wrk", "build", "--quiet", "wrk")
        self.token = self.compose("exec", "-T", "web", "python", "server/manage.py", "token", "bench", "--days", "1").split()[-1]
        self.shell(f"from {self.package}.models import Counter; [Counter.objects.create(name=f'counter {{n}}') for n in range(20)]")

    @property
    def package(self) -> str:
        return f"{SERVICE.replace('-', '_')}_app"

    def shell(self, code: str) -> str:
        return self.compose("exec", "-T", "web", "python", "server/manage.py", "shell", "--no-imports", "--command", code).strip()

    def counted(self) -> int:
        code = f"from {self.package}.models import Counter; print(sum(one.value for one in Counter.objects.filter(name='page')))"
        return int(self.shell(code).split()[-1])

    def wrk(self, host: str, kind: str, seconds: int = SECONDS) -> tuple[float, float]:
        """Requests a second, and the milliseconds that 99 % of them stay below."""
        path, header = ("/", "Sec-Purpose: prefetch") if kind == "page" else ("/api/v1/counters/", f"Authorization: Bearer {self.token}")
        header = header.replace("Bearer", "Token") if host == "bare" else header
        said = self.compose(
            "run", "--rm", "--no-deps", "wrk", "wrk", "--latency", "--threads", "1", "--connections", str(CONNECTIONS),
            "--duration", f"{seconds}s", "--header", header, "--header", "Host: web", f"http://{host}:8000{path}",
        )  # fmt: skip
        if "Non-2xx" in said or "Socket errors" in said:
            raise BenchmarkFailed(f"{host} refused some of the requests for {path}:\n{said}")
        amount, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", said).groups()
        return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), float(amount) * {"us": 0.001, "ms": 1, "s": 1000}[unit]

    def visit(self, count: int) -> tuple[int, int]:
        """Visit the page so often, by parallel clients; how many were answered, and how many were counted."""
        before, answered = self.counted(), 0
        code = textwrap.dedent(f"""
            import concurrent.futures, http.client
            def visits(count):
                connection, good = http.client.HTTPConnection("web", 8000), 0
                for _ in range(count):
                    connection.request("GET", "/", headers={{"Host": "web"}})
                    answer = connection.getresponse(); answer.read(); good += answer.status == 200
                return good
            with concurrent.futures.ProcessPoolExecutor(4) as pool:
                print(sum(pool.map(visits, [{count // 16}] * 16)))
        """)
        answered = int(self.compose("run", "--rm", "--no-deps", "wrk", "python3", "-c", code).split()[-1])
        return answered, self.counted() - before

    def memory(self) -> Iterator[tuple[str, str]]:
        """Each container's, as the engine counts it."""
        names = self.compose("ps", "--format", "{{.Name}}").split()
        for line in run(["docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}", *names]).splitlines():
            name, used = line.split()[:2]
            yield name.removeprefix(f"{SERVICE}-").removesuffix("-1"), used

    def remove(self) -> None:
        self.compose("--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5")


def measure(runs: int, say: Callable[[str], None]) -> tuple[list[str], dict[str, str]]:
    """The section's paragraphs, and the versions of what was measured."""
    rates: dict[tuple[str, str], list[float]] = {}
    slowest: dict[tuple[str, str], list[float]] = {}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="little-service-bench-"))
    stack = Stack(folder)
    try:
        stack.up()
        memory = list(stack.memory())
        for host in ("web", "bare"):
            for kind in WHAT:
                stack.wrk(host, kind, 3)  # connections are made, templates compiled
        for number in range(runs):
            for kind in WHAT:
                for host in ("web", "bare"):
                    rate, late = stack.wrk(host, kind)
                    rates.setdefault((kind, host), []).append(rate)
                    slowest.setdefault((kind, host), []).append(late)
                    say(f"round {number + 1}: {host} {kind}: {rate:.0f} requests a second, p99 {late:.1f} ms")
        answered, counted = stack.visit(VISITS)
        say(f"{answered} visits answered, {counted} counted")
        if answered != counted:
            raise BenchmarkFailed(f"{answered} visits were answered, and {counted} counted.")
    finally:
        stack.remove()
        shutil.rmtree(folder, ignore_errors=True)
    return list(_paragraphs(rates, slowest, memory, runs, counted)), engine.version()


def _paragraphs(rates: dict, slowest: dict, memory: list[tuple[str, str]], runs: int, counted: int) -> Iterator[str]:
    yield (
        "A service as production runs it (its image, gunicorn with 2 processes of 4 threads), beside what `django-admin startproject` and "
        "the documentation of Django REST framework give, with the same gunicorn, models, queries and MySQL; "
        f"`wrk` with {CONNECTIONS} connections. The service also logs, measures, limits, secures and traces each request."
    )
    rows = []
    for kind, words in WHAT.items():
        share = Series.of(ours / bare for ours, bare in zip(rates[kind, "web"], rates[kind, "bare"], strict=True))
        rows.append([words, Series.of(rates[kind, "web"]), Series.of(rates[kind, "bare"]), share])
        rows[-1] += [Series.of(slowest[kind, "web"]), Series.of(slowest[kind, "bare"])]
    head = ["", "Requests a second", "bare", "Share of bare", "p99, ms", "bare"]
    yield report.table(head, rows)
    yield f"Rounds: {runs}, of {SECONDS} s each. {counted} visits by parallel clients were all counted, each once."
    yield f"Memory at rest: {', '.join(f'{name} {used}' for name, used in sorted(memory))}."
