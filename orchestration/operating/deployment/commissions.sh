#!/bin/sh
# Types a command as the service: its user and its environment. Install as /usr/local/bin/commissions, call with sudo.
set -a
. /etc/commissions/commissions.env
set +a
cd /opt/commissions || exit 1
umask 0027
exec setpriv --reuid=commissions --regid=commissions --init-groups /opt/commissions/.venv/bin/commissions "$@"
