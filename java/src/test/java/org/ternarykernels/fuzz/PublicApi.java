package org.ternarykernels.fuzz;

import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.lang.reflect.Constructor;
import java.lang.reflect.Executable;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.ternarykernels.jvm.Fork;

/** Every public method and constructor of the packages that the library's module exports. */
final class PublicApi {
  private PublicApi() {}

  /** Sorted, so that a number names the same one on every JVM. */
  static List<Executable> calls() throws IOException, ClassNotFoundException {
    List<Executable> calls = new ArrayList<>();
    for (Class<?> type : classes()) {
      if (!Modifier.isAbstract(type.getModifiers())) {
        calls.addAll(List.of(type.getConstructors()));
      }
      for (Method method : type.getDeclaredMethods()) {
        if (Modifier.isPublic(method.getModifiers()) && !isSpecial(type, method)) {
          calls.add(method);
        }
      }
    }
    for (Executable call : calls) {
      call.setAccessible(true); // a public method of a class that is not
    }
    calls.sort(Comparator.comparing(Executable::toString));
    return calls;
  }

  /** What is no entry of the API: javac's own methods, and programs, which end the process. */
  private static boolean isSpecial(Class<?> type, Method method) {
    return method.isSynthetic() && !isInherited(type, method)
        || type.isEnum() && (method.getName().equals("values") || isValueOf(method))
        || Modifier.isStatic(method.getModifiers()) && method.getName().equals("main");
  }

  /** Whether javac made a method public that a class which is not public declares. */
  private static boolean isInherited(Class<?> type, Method method) {
    return method.isBridge()
        && Stream.of(type.getDeclaredMethods())
            .filter(other -> other.getName().equals(method.getName()))
            .allMatch(Method::isBridge);
  }

  private static boolean isValueOf(Method method) {
    return method.getName().equals("valueOf") && method.getParameterCount() == 1;
  }

  /** How a call is named in reports: {@code TernaryBuffer.get(long)}. */
  static String name(Executable call) {
    StringBuilder name = new StringBuilder(simpleName(call.getDeclaringClass()));
    name.append(call instanceof Constructor<?> ? ".new" : "." + call.getName()).append('(');
    for (Class<?> type : call.getParameterTypes()) {
      name.append(name.charAt(name.length() - 1) == '(' ? "" : ", ").append(type.getSimpleName());
    }
    return name.append(')').toString();
  }

  static String simpleName(Class<?> type) {
    return type.getName().substring(type.getPackageName().length() + 1).replace('$', '.');
  }

  private static List<Class<?>> classes() throws IOException, ClassNotFoundException {
    Path library = Fork.library();
    ModuleDescriptor module =
        ModuleFinder.of(library).find("org.ternarykernels").orElseThrow().descriptor();
    List<Class<?>> classes = new ArrayList<>();
    for (ModuleDescriptor.Exports exported : module.exports()) {
      if (!exported.isQualified()) {
        Path folder = library.resolve(exported.source().replace('.', '/'));
        try (Stream<Path> files = Files.list(folder)) {
          for (Path file : (Iterable<Path>) files.sorted()::iterator) {
            add(classes, exported.source(), file.getFileName().toString());
          }
        }
      }
    }
    return classes;
  }

  private static void add(List<Class<?>> classes, String exportedPackage, String file)
      throws ClassNotFoundException {
    if (file.endsWith(".class") && !file.equals("package-info.class")) {
      Class<?> type = Class.forName(exportedPackage + "." + file.replace(".class", ""));
      boolean visible = Modifier.isPublic(type.getModifiers());
      for (Class<?> outer = type.getDeclaringClass();
          outer != null;
          outer = outer.getDeclaringClass()) {
        visible &= Modifier.isPublic(outer.getModifiers());
      }
      if (visible) {
        classes.add(type);
      }
    }
  }
}
