"""Django 5.2: the migrations of its own applications and of one of ours, the ORM, aggregation, atomic."""

import json
import subprocess
import sys
import textwrap

import pytest

from harness.paths import USER

SETTINGS = """
SECRET_KEY = "for tests only"
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "library"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {{"default": {{
    "ENGINE": "django.db.backends.postgresql", "NAME": {name!r}, "USER": {user!r}, "HOST": {host!r}, "PORT": "5432",
    "OPTIONS": {{"options": "-c timezone=UTC"}},
}}}}
"""

MODELS = """
import uuid

from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=100, unique=True)
    born = models.DateField(null=True)


class Book(models.Model):
    key = models.UUIDField(default=uuid.uuid4)
    title = models.CharField(max_length=200, db_index=True)
    author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="books")
    price = models.DecimalField(max_digits=8, decimal_places=2)
    pages = models.PositiveIntegerField(default=1)
    added = models.DateTimeField(auto_now_add=True)
    readers = models.ManyToManyField("auth.User")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["title", "author"], name="one_title_an_author")]
"""

CHANGED = MODELS.replace("price = models", "shelf = models.CharField(max_length=10, default='A1')\n    price = models").replace(
    "born = models.DateField(null=True)", "birthday = models.DateField(null=True)"
)

WORK = """
import datetime, decimal, json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
import django
django.setup()
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.db import IntegrityError, transaction
from django.db.models import Avg, Count, F, Max, Q, Sum
from library.models import Author, Book

out = {}
ada = Author.objects.create(name="Ada", birthday=datetime.date(1815, 12, 10))
bob = Author.objects.create(name="Bob")
Book.objects.bulk_create(
    Book(title=f"Book {i}", author=ada if i % 2 else bob, price=decimal.Decimal(i) + decimal.Decimal("0.50"), pages=i)
    for i in range(1, 11)
)
out["ids"] = sorted(Book.objects.values_list("id", flat=True))
out["filter"] = list(Book.objects.filter(price__gt=5, author__name__startswith="A").order_by("id").values_list("title", flat=True))
out["icontains"] = Book.objects.filter(title__icontains="BOOK 1").count()
out["aggregate"] = {k: str(v) for k, v in Book.objects.aggregate(Sum("price"), Max("pages"), Count("id")).items()}
out["annotate"] = list(Author.objects.values("name").annotate(n=Count("books")).order_by("name").values_list("name", "n"))
out["updated"] = Book.objects.filter(author=bob).update(price=F("price") + 1)
out["first price"] = str(Book.objects.order_by("price")[0].price)
out["q"] = Book.objects.filter(Q(pages__lt=3) | Q(pages__gte=10)).count()
out["or create"] = [Author.objects.get_or_create(name="Ada")[1], Author.objects.get_or_create(name="Cy")[1]]
try:
    with transaction.atomic():
        Author.objects.create(name="lost")
        Author.objects.create(name="Ada")
except IntegrityError as error:
    out["unique"] = error.__cause__.sqlstate
out["lost"] = Author.objects.filter(name="lost").count()
try:
    with transaction.atomic():
        Book.objects.create(title="x", author_id=999999, price=1)
except IntegrityError as error:
    out["foreign key"] = error.__cause__.sqlstate
with transaction.atomic():
    locked = Book.objects.select_for_update().get(title="Book 1")
    locked.pages = 100
    locked.save()
out["locked"] = Book.objects.get(title="Book 1").pages
user = User.objects.create_user("reader", password="secret")
out["password"] = User.objects.get(username="reader").check_password("secret")
Book.objects.get(title="Book 2").readers.add(user)
out["m2m"] = user.book_set.count()
session = SessionStore()
session["k"] = "v"
session.save()
out["session"] = SessionStore(session.session_key)["k"]
out["in bulk"] = len(Book.objects.in_bulk([1, 2, 3]))
out["dates"] = Book.objects.filter(added__date=Book.objects.first().added.date()).count()
out["distinct"] = Book.objects.values("author").distinct().count()
out["exists"] = Book.objects.filter(pages=3).exists()
out["deleted"] = Author.objects.filter(name="Cy").delete()[0]
out["left"] = Author.objects.count()
print("RESULT" + json.dumps(out))
"""

EXPECTED = {
    "ids": list(range(1, 11)),
    "filter": ["Book 5", "Book 7", "Book 9"],
    "icontains": 2,
    "aggregate": {"price__sum": "60.00", "pages__max": "10", "id__count": "10"},
    "annotate": [["Ada", 5], ["Bob", 5]],
    "updated": 5,
    "first price": "1.50",
    "q": 3,
    "or create": [False, True],
    "unique": "23505",
    "lost": 0,
    "foreign key": "23503",
    "locked": 100,
    "password": True,
    "m2m": 1,
    "session": "v",
    "in bulk": 3,
    "dates": 10,
    "distinct": 2,
    "exists": True,
    "deleted": 1,
    "left": 2,
}


@pytest.fixture
def project(fresh_server, tmp_path):
    server = fresh_server
    (tmp_path / "settings.py").write_text(
        SETTINGS.format(name=server.file.stem, user=USER, host=str(server.socket_dir))
    )
    library = tmp_path / "library"
    library.mkdir()
    (library / "__init__.py").write_text("")
    (library / "models.py").write_text(textwrap.dedent(MODELS))

    def run(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env={"DJANGO_SETTINGS_MODULE": "settings", "PATH": "/usr/bin:/bin", "PYTHONPATH": str(tmp_path)},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
        return done.stdout

    return run, library, server


def test_migrations_and_orm(project):
    run, library, server = project
    run("-m", "django", "makemigrations", "library")
    assert "OK" in run("-m", "django", "migrate")
    with server.connect() as connection:
        connection.execute("insert into library_author (name) values ('before')")
    # A renamed and a new column, on tables with indexes that others refer to.
    (library / "models.py").write_text(textwrap.dedent(CHANGED))
    (library / "migrations" / "0002_changed.py").write_text(
        textwrap.dedent(
            """
            from django.db import migrations, models

            class Migration(migrations.Migration):
                dependencies = [("library", "0001_initial")]
                operations = [
                    migrations.RenameField("author", "born", "birthday"),
                    migrations.AddField("book", "shelf", models.CharField(max_length=10, default="A1")),
                ]
            """
        )
    )
    assert "OK" in run("-m", "django", "migrate")
    assert "No changes" in run("-m", "django", "makemigrations", "--check", "--dry-run")
    with server.connect() as connection:
        assert connection.execute("delete from library_author where name = 'before'").rowcount == 1
    out = run("-c", WORK)
    assert json.loads(out[out.index("RESULT") + 6 :]) == EXPECTED


def test_migrations_backwards(project):
    run, _, server = project
    run("-m", "django", "makemigrations", "library")
    run("-m", "django", "migrate")
    run("-m", "django", "migrate", "library", "zero")
    with server.connect() as connection:
        left = "select count(*) from information_schema.tables where table_name like 'library%%'"
        assert connection.execute(left).fetchone() == (0,)
