#!/usr/bin/env bash
# Makes the jar that japicmp compares the API with, from the commit of a release. It has the classes of the exported packages
# and those of their implementation that they extend; no natives, no binding.
# java/src/api/ternary-kernels-0.1.0-api.jar is that of commit cb4c41a.
# Usage: api-baseline.sh COMMIT
set -euo pipefail
commit=$1
root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

git -C "$root" archive "$commit" | tar -x -C "$copy"
(cd "$copy" && mvn -B -ntp -q -DskipTests -pl java package)
jar=$(ls "$copy"/java/target/ternary-kernels-*.jar | grep -v -e -sources -e -javadoc)
zip -q -d "$jar" 'org/ternarykernels/binding/*' 'org/ternarykernels/internal/*' 'org/ternarykernels/natives/*' 'org/ternarykernels/storage/*' 'META-INF/maven/*'
cp "$jar" "$root/java/src/api/$(basename "$jar" .jar)-api.jar"
