# An image whose build (root) filled the cache serves another user, and so does a volume that everybody may write to.
need_root
need setpriv
cp "$TOOL" "$WORK/ternary.jar"
TOOL=$WORK/ternary.jar
chmod a+r "$TOOL"
user() { setpriv --reuid 1000 --regid 1000 --clear-groups "$@"; }
user "$JAVA" -version > /dev/null 2>&1 || skip "another user may not run $JAVA"
exits 0 tool info
chmod -R a+rX,go-w "$WORK/cache"
says '^version' user "$JAVA" -jar "$TOOL" info
mkdir -m 1777 "$WORK/volume"
TERNARY_CACHE_DIR=$WORK/volume says '^version' user "$JAVA" -jar "$TOOL" info
