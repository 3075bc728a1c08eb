#!/usr/bin/env bash
# Stages a release of a copy of this tree in a folder, signed with a throwaway key, and checks all that Maven Central would:
# files, signatures, checksums, POMs, licence. Then a user's project compiles against the folder. Also that a release which
# lacks something stops with a sentence. Called by mvn -N -Prelease-test verify; nothing leaves target/release-test.
# Usage: stage-release-test.sh MAVEN_HOME JAVA_HOME LOCAL_REPOSITORY [PROFILES], e.g. release,cuda for the jar for GPUs too
set -euo pipefail
maven_home=$1
java_home=$2
repository=$3
profiles=${4:-release}
root=$(git -C "$(dirname "$0")" rev-parse --show-toplevel)
work=$root/target/release-test
copy=$work/tree
staging=$work/staging
log=$work/maven.log

say() { echo "release test: $*"; }
fail() { say "$*" >&2; exit 1; }
command -v gpg > /dev/null || fail "gpg is missing (Debian: apt-get install gnupg)"
seconds_before=$SECONDS

rm -rf "$work"
mkdir -p "$copy"
(cd "$root" && git ls-files -z -co --exclude-standard | while IFS= read -r -d '' file; do
  if [ -e "$file" ]; then printf '%s\0' "$file"; fi  # one that is deleted and not yet committed is listed too
done | tar -c --null -T - | tar -x -C "$copy")

# Not in $work: the path of gpg-agent's socket may have 108 characters.
export GNUPGHOME
GNUPGHOME=$(mktemp -d)
trap 'gpgconf --kill gpg-agent; rm -rf "$GNUPGHOME"' EXIT
gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
  --quick-generate-key 'Release Test <release-test@example.org>' ed25519 sign never 2> "$work/gpg.log"

# release OPTION…: into the folder, and not into the repository that other builds on this machine use.
release() {
  (cd "$copy" && JAVA_HOME=$java_home "$maven_home/bin/mvn" -B -ntp -P"$profiles" -DskipTests -Dmaven.test.skip=true \
    -Dmaven.repo.local="$repository" -Dmaven.install.skip=true -DaltDeploymentRepository="staging::file://$staging" \
    -Drelease.scm.url=https://example.org/source -Drelease.scm.connection=scm:git:https://example.org/source.git \
    -Drelease.developer.name=Somebody -Drelease.developer.email=somebody@example.org "$@" deploy > "$log" 2>&1)
}
# refused SENTENCE OPTION…: the release stops with it, and before anything is staged.
refused() {
  local sentence=$1
  shift
  if release "$@"; then fail "a release passed that should say: $sentence"; fi
  grep -qF "$sentence" "$log" || fail "a release stopped without the words: $sentence (see $log)"
  [ ! -e "$staging" ] || fail "a release that was stopped has staged files"
}

refused "A release has no version that ends in -SNAPSHOT" -Drelease.url=https://example.org
snapshot=$(sed -n 's|^  <version>\(.*\)</version>|\1|p' "$copy/pom.xml" | head -n 1)
version=${snapshot%-SNAPSHOT}
poms=$(cd "$copy" && ls pom.xml java/pom.xml java/bom/pom.xml java/examples/pom.xml jmh/pom.xml)
(cd "$copy" && sed -i "s|<version>$snapshot</version>|<version>$version</version>|" $poms)
refused "A release needs the project's page" -Drelease.url=
say "an incomplete release stops with its sentence"

release -Drelease.url=https://example.org || { tail -n 40 "$log" >&2; fail "mvn deploy failed"; }
say "staged after $((SECONDS - seconds_before)) s"

library=org/ternarykernels/ternary-kernels
bom=org/ternarykernels/ternary-kernels-bom
files=("$library/$version/ternary-kernels-$version".{pom,jar} "$library/$version/ternary-kernels-$version"-{sources,javadoc}.jar
  "$library/$version/ternary-kernels-$version"-cyclonedx.{json,xml} "$bom/$version/ternary-kernels-bom-$version.pom")
case ,$profiles, in *,cuda,*) files+=("$library/$version/ternary-kernels-$version-linux-x86_64-cuda.jar") ;; esac
expected() { printf '%s\n' "${files[@]}" "${files[@]/%/.asc}" {"$library","$bom"}/maven-metadata.xml; }
staged() { (cd "$staging" && find . -type f ! -name '*.md5' ! -name '*.sha1' | sed 's|^\./||'); }
diff <(expected | sort) <(staged | sort) || fail "staged files (>) are not those expected (<)"
for file in "${files[@]}"; do
  gpg --batch --verify "$staging/$file.asc" "$staging/$file" 2>> "$work/gpg.log" || fail "$file is not what was signed"
  for sum in md5 sha1; do
    [ "$("${sum}sum" < "$staging/$file" | cut -d ' ' -f 1)" = "$(cat "$staging/$file.$sum")" ] || fail "$file has another $sum"
  done
done

for file in "${files[@]}"; do
  case $file in *.pom) ;; *) continue ;; esac
  pom=$staging/$file
  for element in name description url licenses developers developer email scm connection; do
    grep -q "<$element[^>]*>[^<]\|<$element[^>]*>\$" "$pom" || fail "$file has no <$element>"
  done
  for words in '<parent>' '${' SNAPSHOT '<scope>test' '<profile' '<properties>' '<build>' '<repositor' junit assertj archunit; do
    if grep -qF -e "$words" "$pom"; then fail "$file has $words"; fi
  done
done
pom=$staging/$bom/$version/ternary-kernels-bom-$version.pom
[ "$(grep -c '<dependency>' "$pom")" = 2 ] || fail "the BOM does not manage two artifacts"
[ "$(grep -c "<version>$version</version>" "$pom")" = 3 ] || fail "the BOM does not give both its own version"
grep -q '<classifier>linux-x86_64-cuda<' "$pom" || fail "the BOM does not manage the jar for GPUs"

listing() { "$java_home/bin/jar" tf "$staging/$library/$version/ternary-kernels-$version$1.jar" > "$work/listing"; }
for kind in '' -sources; do
  listing "$kind"
  grep -qx META-INF/LICENSE "$work/listing" || fail "jar$kind has no licence"
done
listing -javadoc
grep -q 'org/ternarykernels/TernaryLinear.html' "$work/listing" || fail "the Javadoc lacks TernaryLinear"
if grep -E 'org/ternarykernels/(binding|internal|natives|storage)/' "$work/listing"; then fail "the Javadoc has what is not exported"; fi
mkdir "$work/javadoc"
(cd "$work/javadoc" && "$java_home/bin/jar" xf "$staging/$library/$version/ternary-kernels-$version-javadoc.jar")
if grep -rqi --include='*.html' 'all rights reserved' "$work/javadoc"; then fail "the Javadoc reserves all rights"; fi
sbom=$staging/$library/$version/ternary-kernels-$version-cyclonedx.json
for words in "pkg:maven/org.ternarykernels/ternary-kernels@$version" pkg:maven/org.bytedeco/javacpp@ Apache-2.0; do
  grep -qF "$words" "$sbom" || fail "the SBOM lacks $words"
done
if grep -q 'junit\|assertj\|archunit' "$sbom"; then fail "the SBOM has what only tests use"; fi
say "files, signatures, checksums, POMs, licence, Javadoc and SBOM are in order"

# A user's project: the version by the BOM, everything of ours from the folder alone.
mkdir -p "$work/user/src/main/java"
cat > "$work/user/src/main/java/User.java" << 'JAVA'
class User {
  public static void main(String[] arguments) {
    System.out.print(org.ternarykernels.TernaryRuntime.version());
  }
}
JAVA
cat > "$work/user/pom.xml" << XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>user</groupId>
  <artifactId>user</artifactId>
  <version>1</version>
  <properties><maven.compiler.release>17</maven.compiler.release></properties>
  <repositories>
    <repository><id>staging</id><url>file://$staging</url></repository>
    <repository><id>downloaded</id><url>file://$repository</url></repository>
  </repositories>
  <pluginRepositories>
    <pluginRepository><id>downloaded</id><url>file://$repository</url></pluginRepository>
  </pluginRepositories>
  <dependencyManagement>
    <dependencies>
      <dependency><groupId>org.ternarykernels</groupId><artifactId>ternary-kernels-bom</artifactId><version>$version</version><type>pom</type><scope>import</scope></dependency>
    </dependencies>
  </dependencyManagement>
  <dependencies>
    <dependency><groupId>org.ternarykernels</groupId><artifactId>ternary-kernels</artifactId></dependency>
  </dependencies>
</project>
XML
property() { sed -n "s|^    <$1>\(.*\)</$1>|\1|p" "$root/pom.xml"; }
user() { (cd "$work/user" && JAVA_HOME=$java_home "$maven_home/bin/mvn" -B -ntp -Dmaven.repo.local="$work/user-repository" "$@"); }
user "org.apache.maven.plugins:maven-compiler-plugin:$(property compiler.plugin.version):compile" \
  "org.codehaus.mojo:exec-maven-plugin:$(property exec.plugin.version):exec" -Dexec.executable="$java_home/bin/java" \
  -Dexec.args='-cp %classpath User' -Dexec.outputFile="$work/user/said" > "$log" 2>&1 ||
  { tail -n 40 "$log" >&2; fail "a user's project does not compile and run with the staged artifacts"; }
[ "$(cat "$work/user/said")" = "$version" ] || fail "a user's project has version $(cat "$work/user/said"), not $version"
say "a user's project runs with the BOM's version"

rm -rf "$copy" "$work/javadoc" "$work/user-repository"
say "passed after $((SECONDS - seconds_before)) s; the release lies in $staging"
