# A home that the locale cannot name is no obstacle, or the error says what is; native access that is denied is named.
compile "$PRODUCT"
home=$WORK/jos$(printf '\303\251')
mkdir "$home"
says_text "$RESULT" env -i "PATH=$PATH" "$JAVA" "-Duser.home=$home" -cp "$CLASSPATH" Product
newer_jdk 24
says 'as documented: .*--enable-native-access=ALL-UNNAMED' \
  "$NEWER_HOME/bin/java" --illegal-native-access=deny -cp "$CLASSPATH" Product
