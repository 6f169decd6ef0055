#!/bin/sh
# Install what the jobs need into an image of Debian 12: Python 3.11, git for the provenance, and the lock.
# Usage: install_image.sh LOCK; the environment is /opt/astromer.
set -eu
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --yes --no-install-recommends ca-certificates git python3.11-venv
rm -rf /var/lib/apt/lists/*
python3.11 -m venv /opt/astromer
/opt/astromer/bin/pip install --quiet --no-cache-dir --require-hashes -r "$1"
