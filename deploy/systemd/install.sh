#!/bin/bash
# As root, in a checkout at /srv/my_inference_app: makes the bundle of MODEL, installs the service and starts it again.
# The settings in /etc/my_inference_app.env stay. Usage: [MODEL=microsoft/resnet-50] install.sh [reload]
set -euo pipefail
cd "$(dirname "$0")"
if ! command -v nginx > /dev/null; then
    ../../.ci/install.sh nginx=nginx-light
    systemctl disable --quiet nginx # the service starts one of its own
fi
MODEL=${MODEL:-$(sed -n 's/^MODEL=//p' /etc/my_inference_app.env 2> /dev/null || true)}
MODEL=${MODEL:-microsoft/resnet-50}
make -C ../.. export MODEL="$MODEL"
[ -e /etc/my_inference_app.env ] || install -m 600 my_inference_app.env /etc/
sed -i "s|^MODEL=.*|MODEL=$MODEL|" /etc/my_inference_app.env
install -m 644 my_inference_app.service /etc/systemd/system/
install -m 644 journald@my_inference_app.conf /etc/systemd/
systemctl daemon-reload
systemctl enable --quiet my_inference_app
exec systemctl "${1:-restart}" my_inference_app
