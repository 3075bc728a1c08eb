# Children of a process that computes end well, also where the JVM forks (and does not spawn) them.
compile "$CASE/Forks.java"
says '^children that ended well: 150$' java -Djdk.lang.Process.launchMechanism=FORK Forks "$WORK/report.json"
