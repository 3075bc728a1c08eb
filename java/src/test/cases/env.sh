# What a case.sh has around it: where things are, and how it says what is right. `run` starts this file with CASES, CASE (the
# folder of the case) and WORK (an empty folder, which is the current one); its last line runs the case.
# shellcheck shell=bash disable=SC2034
set -euo pipefail

PROJECT=$(cd "$CASES/../../../.." && pwd)
MODEL=$PROJECT/test-data/tiny-bitnet
TOOL=$PROJECT/jmh/target/ternary.jar
REPOSITORY=${M2:-$HOME/.m2/repository}
export TERNARY_CACHE_DIR=$WORK/cache PROJECT MODEL TOOL REPOSITORY WORK
unset JAVA_TOOL_OPTIONS TERNARY_PATH_REPORT

# fail SENTENCE, skip WHY: end the case.
fail() {
  echo "$*"
  exit 1
}
skip() {
  echo "not run: $*"
  exit 77
}
# need COMMAND...: the case is not run where one is missing.
need() {
  local command
  for command; do
    type "$command" > /dev/null 2>&1 || skip "$command is missing"
  done
}
need_root() { [ "$(id -u)" = 0 ] || skip "it needs root"; }

# version NAME: the value of the property NAME.version in the root pom.
version() { sed -n "s:.*<$1\.version>\(.*\)</$1\.version>.*:\1:p" "$PROJECT/pom.xml" | head -1; }
LIBRARY=$PROJECT/java/target/ternary-kernels-$(
  sed -n 's:^  <version>\(.*\)</version>:\1:p' "$PROJECT/pom.xml" | head -1
).jar
[ -f "$LIBRARY" ] && [ -f "$TOOL" ] || fail "build the project first: mvn -DskipTests package"
DEPENDENCIES=$REPOSITORY/org/bytedeco/javacpp/$(version javacpp)/javacpp-$(version javacpp).jar
DEPENDENCIES+=:$REPOSITORY/com/fasterxml/jackson/core/jackson-core/$(version jackson)/jackson-core-$(version jackson).jar
DEPENDENCIES+=:$REPOSITORY/org/slf4j/slf4j-api/$(version slf4j)/slf4j-api-$(version slf4j).jar
CLASSES=$WORK/classes
CLASSPATH=$LIBRARY:$DEPENDENCIES:$CLASSES
JAVA_HOME=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}
JAVA=$JAVA_HOME/bin/java

# newer_jdk N: sets NEWER_HOME to a JDK of release N or later beside this one, or the case is not run.
newer_jdk() {
  local home release
  NEWER_HOME=
  for home in "$(dirname "$(readlink -f "$JAVA_HOME")")"/*; do
    [ -x "$home/bin/java" ] && [ -f "$home/release" ] || continue
    release=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$home/release")
    if [ "${release:-0}" -ge "$1" ]; then NEWER_HOME=$home; fi
  done
  [ -n "$NEWER_HOME" ] || skip "no JDK $1 is installed beside $JAVA_HOME"
}

# compile FILE...: Java sources, with the library.
compile() { "$JAVA_HOME/bin/javac" --release 17 -nowarn -cp "$CLASSPATH:$TOOL" -d "$CLASSES" "$@"; }
# java OPTION... CLASS ARGUMENT...: with the library and what was compiled; tool ARGUMENT...: the command line.
java() { "$JAVA" -cp "$CLASSPATH" "$@"; }
tool() { "$JAVA" -jar "$TOOL" "$@"; }
# A program that prints RESULT, for cases of loading.
PRODUCT=$CASES/two-class-loaders/Product.java
export RESULT='[1.007874, 2.0, -0.503937]'

# trimmed FOLDER: a Java runtime of java.base alone, in FOLDER.
trimmed() {
  [ -x "$JAVA_HOME/bin/jlink" ] || skip "jlink is missing"
  "$JAVA_HOME/bin/jlink" --add-modules java.base --output "$1" || skip "jlink makes no runtime here"
}

SAID=$WORK/said.txt
# exits N COMMAND...: runs it, keeps what it says in SAID, and fails unless its exit status is N.
exits() {
  local want=$1 status=0
  shift
  "$@" > "$SAID" 2>&1 < /dev/null || status=$?
  [ "$status" = "$want" ] || fail "$* exits with $status, must be $want; it said: $(cat "$SAID")"
}
# says REGEX [COMMAND...]: COMMAND succeeds and says a line like that; without one, the last command did.
says() {
  local want=$1
  shift
  [ $# = 0 ] || exits 0 "$@"
  grep -a -q -E -e "$want" "$SAID" || fail "\"$want\" is missing in: $(cat "$SAID")"
}
# says_not REGEX: the last command said no line like that.
says_not() {
  ! grep -a -q -E -e "$1" "$SAID" || fail "\"$1\" is in: $(cat "$SAID")"
}
# says_text TEXT [COMMAND...]: says, of a text that is no pattern.
says_text() {
  local want=$1
  shift
  [ $# = 0 ] || exits 0 "$@"
  grep -a -q -F -e "$want" "$SAID" || fail "\"$want\" is missing in: $(cat "$SAID")"
}
# said REGEX: how many lines of the last command are like that.
said() { grep -a -c -E -e "$1" "$SAID" || true; }
# equal VALUE RIGHT [WHAT].
equal() {
  [ "$1" = "$2" ] || fail "${3:-the value} is \"$1\", must be \"$2\""
}

# shellcheck source=/dev/null
. "$CASE/case.sh"
