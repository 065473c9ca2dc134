# Sourced by start.sh and benchmarks/run: finds a JDK 25 and builds a module when a source is newer than its last build.

say() { printf '%s\n' "$*" >&2; }

major() { "$1/bin/java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1; }

# Prints the home of a JDK 25; looks where Maven's toolchain search looks too.
find_jdk25() {
  local on_path home
  on_path=$(command -v javac || true)
  [ -z "$on_path" ] || on_path=$(dirname "$(dirname "$(readlink -f "$on_path")")")
  for home in "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/* /opt/java/* /opt/jdk* "$HOME"/.sdkman/candidates/java/* \
    "$HOME"/.jdks/* /Library/Java/JavaVirtualMachines/*/Contents/Home "$HOME"/Library/Java/JavaVirtualMachines/*/Contents/Home; do
    if [ -n "$home" ] && [ -x "$home/bin/javac" ] && [ "$(major "$home")" = 25 ]; then
      printf '%s\n' "$home"
      return
    fi
  done
  say "A JDK 25 is needed and none was found. Install one (for example Eclipse Temurin 25 from https://adoptium.net) or set JAVA_HOME to it."
  return 1
}

# build_module <module> <home of the JDK>
build_module() {
  local classpath=$1/target/classpath.txt log builder
  if [ -s "$classpath" ] && [ -z "$(find . -path ./.data -prune -o \( -name pom.xml -o -path '*/src/main/*' \) -newer "$classpath" -type f -print -quit)" ]; then
    return
  fi
  if ! command -v mvn >/dev/null; then
    say "Maven (mvn) is needed and was not found. Install version 3.8.6 or newer from https://maven.apache.org."
    return 1
  fi
  say "Building (the first time downloads libraries and takes some minutes) ..."
  log=$(mktemp)
  JAVA_HOME=$2 mvn -B -ntp -pl "$1" -am -Dmaven.test.skip=true -Dspring-boot.repackage.skip=true package > "$log" 2>&1 &
  builder=$!
  trap 'kill $builder 2>/dev/null; exit 130' INT TERM
  while kill -0 $builder 2>/dev/null; do
    [ ! -t 2 ] || printf '\r\033[K  %s' "$(grep -oE 'Building [a-z-]+ .*\[[0-9]+/[0-9]+\]' "$log" | tail -n 1 | tr -s ' ' || true)" >&2
    sleep 0.5
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
  trap - INT TERM
  if ! wait $builder; then
    grep -E '^\[ERROR\]' "$log" | head -n 20 >&2 || tail -n 20 "$log" >&2
    say "The build failed; the whole log is $log"
    return 1
  fi
  rm -f "$log"
  # Maven leaves the file alone when its content has not changed.
  touch "$classpath"
}
