# A folder that its user may write to and not list takes a file. Root may list everything, so another user saves.
compile "$CASE/Save.java"
cp "$TOOL" ternary.jar
mkdir folder cache
chmod 700 cache
chmod 300 folder
user=()
if [ "$(id -u)" = 0 ]; then
  need setpriv
  chown 1000:1000 folder cache
  chmod a+r ternary.jar
  user=(setpriv --reuid 1000 --regid 1000 --clear-groups)
  "${user[@]}" "$JAVA" -version > /dev/null 2>&1 || skip "another user may not run $JAVA"
fi
says '^saved' "${user[@]}" "$JAVA" -cp "ternary.jar:$CLASSES" Save folder/w
