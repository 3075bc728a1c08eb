# Native code opens the file that Java names, whatever the locale's encoding.
need localedef
mkdir "$WORK/locales" "$WORK/reports"
localedef -i de_DE -f ISO-8859-1 "$WORK/locales/de_DE.ISO-8859-1" > /dev/null 2>&1 ||
  skip "localedef has no de_DE in ISO-8859-1"
compile "$CASE/Report.java"
exits 0 env "LOCPATH=$WORK/locales" LC_ALL=de_DE.ISO-8859-1 "$JAVA" -cp "$CLASSPATH" Report "$WORK/reports"
says '^names are ISO-8859-1'
says '^while it ran: true'
says '^written: true'
for name in caf th; do
  [ -f "$WORK/reports/$name"$'\351.json' ] || fail "$name\\351.json is not among $(find "$WORK/reports" -printf '%f ' | cat -v)"
done
