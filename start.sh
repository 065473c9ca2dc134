#!/usr/bin/env bash
# Builds what is needed and starts the whole platform on this machine; see README.md.
#
#   PORT=8080 DATA_DIR=.data WORKERS=2 COMFYUI_URLS=http://host:8188,... ./start.sh
set -euo pipefail
cd "$(dirname "$0")"
. ./build.sh

jdk=$(find_jdk25) || exit 2
build_module standalone "$jdk" || exit 1
exec "$jdk/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx768m --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
  -cp "standalone/target/classes:$(cat standalone/target/classpath.txt)" dev.comfyapi.standalone.Standalone
