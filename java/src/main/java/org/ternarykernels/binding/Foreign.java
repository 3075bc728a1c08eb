package org.ternarykernels.binding;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Array;

/**
 * What the library uses of {@code java.lang.foreign} (JDK 22 and newer), by method handles in whose
 * types the classes of that package are {@code Object}.
 */
public final class Foreign {
  private Foreign() {}

  /** A class of the package; {@link Segments#exist} must be true. */
  static Class<?> type(String name) {
    try {
      return Class.forName("java.lang.foreign." + name);
    } catch (ClassNotFoundException e) {
      throw new LinkageError("this JDK has no java.lang.foreign." + name, e);
    }
  }

  static MethodHandle method(Class<?> owner, String name, Class<?> result, Class<?>... arguments) {
    try {
      return erased(
          MethodHandles.lookup()
              .findVirtual(owner, name, MethodType.methodType(result, arguments)));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("this JDK's " + owner.getName() + " has no " + name, e);
    }
  }

  static MethodHandle function(
      Class<?> owner, String name, Class<?> result, Class<?>... arguments) {
    try {
      return erased(
          MethodHandles.lookup().findStatic(owner, name, MethodType.methodType(result, arguments)));
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("this JDK's " + owner.getName() + " has no " + name, e);
    }
  }

  /** Unless it is of java.base's known types, an argument or result is Object. */
  private static MethodHandle erased(MethodHandle handle) {
    MethodType type = handle.type();
    for (int i = 0; i < type.parameterCount(); i++) {
      if (isForeign(type.parameterType(i))) {
        type = type.changeParameterType(i, Object.class);
      }
    }
    if (isForeign(type.returnType())) {
      type = type.changeReturnType(Object.class);
    }
    return handle.asType(type);
  }

  private static boolean isForeign(Class<?> type) {
    return type.getName().startsWith("java.lang.foreign.");
  }

  /**
   * A native function that returns an int, called through the JDK's linker: the arenas of segments
   * that are passed by reference stay open until it returns.
   *
   * @param address of the function
   * @param signature a letter an argument: I int, J long, F float, P a segment, as Object
   * @return the handle
   */
  public static MethodHandle downcall(long address, String signature) {
    try {
      Class<?> layout = type("MemoryLayout");
      Object arguments = Array.newInstance(layout, signature.length());
      for (int i = 0; i < signature.length(); i++) {
        Array.set(arguments, i, layout(signature.charAt(i)));
      }
      Class<?> descriptorType = type("FunctionDescriptor");
      Object descriptor =
          function(descriptorType, "of", descriptorType, layout, arguments.getClass())
              .asFixedArity()
              .invokeWithArguments(layout('I'), arguments);
      Class<?> linker = type("Linker");
      Object options = Array.newInstance(type("Linker$Option"), 0);
      MethodHandle downcall =
          (MethodHandle)
              method(
                      linker,
                      "downcallHandle",
                      MethodHandle.class,
                      type("MemorySegment"),
                      descriptorType,
                      options.getClass())
                  .asFixedArity()
                  .invokeWithArguments(
                      function(linker, "nativeLinker", linker).invokeWithArguments(),
                      Segments.ofAddress(address),
                      descriptor,
                      options);
      return erased(downcall);
    } catch (Throwable e) {
      throw unchecked(e);
    }
  }

  private static Object layout(char letter) throws ReflectiveOperationException {
    String name =
        switch (letter) {
          case 'I' -> "JAVA_INT";
          case 'J' -> "JAVA_LONG";
          case 'F' -> "JAVA_FLOAT";
          case 'P' -> "ADDRESS";
          default -> throw new IllegalArgumentException("the letter is " + letter);
        };
    return type("ValueLayout").getField(name).get(null);
  }

  /** What a method handle threw; nothing of this package throws checked exceptions. */
  public static RuntimeException unchecked(Throwable e) {
    if (e instanceof RuntimeException unchecked) {
      return unchecked;
    }
    if (e instanceof Error error) {
      throw error;
    }
    return new IllegalStateException(e);
  }
}
