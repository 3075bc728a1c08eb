# Native code opens the file that Java names, whatever the locale's encoding.
need localedef
mkdir "$WORK/locales" "$WORK/reports"
localedef -i de_DE -f ISO-8859-1 "$WORK/locales/de_DE.ISO-8859-1" > /dev/null 2>&1 ||
  skip "localedef has no de_DE in ISO-8859-1"
compile "$CASE/Report.java"
LOCPATH=$WORK/locales LC_ALL=de_DE.ISO-8859-1 exits 0 java Report "$WORK/reports"
says '^names are ISO-8859-1'
says '^while it ran: true'
says '^written: true'
equal "$(LC_ALL=C ls -b "$WORK/reports" | tr '\n' ' ')" 'caf\351.json th\351.json ' "what was written"
