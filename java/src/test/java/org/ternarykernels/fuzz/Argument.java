package org.ternarykernels.fuzz;

import java.util.Arrays;

/**
 * A value for a parameter, and a text that does not depend on what other threads did: an object of
 * the API is named by its slot.
 */
record Argument(Object value, String text) {
  private static final int LONGEST = 80;

  static Argument of(Object value) {
    String text =
        value instanceof float[] floats
            ? "float[" + floats.length + "] " + Arrays.hashCode(floats)
            : value instanceof byte[] bytes
                ? "byte[" + bytes.length + "] " + Arrays.hashCode(bytes)
                : value instanceof long[] longs
                    ? Arrays.toString(longs)
                    : value instanceof int[] ints
                        ? Arrays.toString(ints)
                        : value instanceof String[] texts
                            ? texts.length + " texts " + Arrays.hashCode(texts)
                            : quoted(value);
    return new Argument(value, text);
  }

  private static String quoted(Object value) {
    if (value instanceof Float || value instanceof Double) { // decimals differ between JDKs
      return Double.toHexString(((Number) value).doubleValue());
    }
    if (!(value instanceof String text)) {
      return String.valueOf(value);
    }
    String shown = text.length() > LONGEST ? text.substring(0, LONGEST) + "\u2026" : text;
    return "\"" + shown + "\" of " + text.length();
  }
}
