package org.ternarykernels.architecture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ternarykernels.architecture.PackageOrder.ROOT;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.ternarykernels.TernaryException;

/** How the library's classes may use each other, as its class files say. */
class LibraryClassesTest {
  /** What users see. */
  private static final Set<String> EXPORTED = Set.of(ROOT, ROOT + ".io", ROOT + ".micrometer");

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(ROOT);

  private static Stream<JavaClass> classes() {
    return CLASSES.stream().filter(LibraryClassesTest::isOurs);
  }

  private static boolean isOurs(JavaClass type) {
    String name = type.getPackageName();
    return name.equals(ROOT) || name.startsWith(ROOT + ".");
  }

  /** The classes of the library that one uses directly. */
  private static Stream<JavaClass> used(JavaClass type) {
    return type.getDirectDependenciesFromSelf().stream()
        .map(Dependency::getTargetClass)
        .map(JavaClass::getBaseComponentType)
        .filter(LibraryClassesTest::isOurs);
  }

  @Test
  void theLibraryIsThere() {
    assertThat(classes().map(JavaClass::getPackageName)).containsAll(EXPORTED);
    assertThat(classes().filter(type -> PackageOrder.isInternal(type.getPackageName())))
        .isNotEmpty();
  }

  @Test
  void classesUsePackagesBelowTheirOwn() {
    assertThat(
            classes()
                .flatMap(type -> used(type).map(other -> complaint(type, other)).distinct())
                .filter(complaint -> !complaint.isEmpty()))
        .isEmpty();
  }

  private static String complaint(JavaClass type, JavaClass other) {
    String from = type.getPackageName();
    String to = other.getPackageName();
    String complaint =
        PackageOrder.isInternal(from) && to.equals(ROOT)
            ? internalComplaint(other)
            : PackageOrder.complaint(from, to);
    return complaint.isEmpty()
        ? ""
        : type.getName() + " uses " + other.getName() + ": " + complaint;
  }

  /** Of the public types `internal` knows values, and the exception that it throws. */
  private static String internalComplaint(JavaClass other) {
    boolean value = other.isEnum() || other.isRecord();
    return value && other.getModifiers().contains(JavaModifier.PUBLIC)
            || other.isEquivalentTo(TernaryException.class)
        ? ""
        : "internal packages may use public enums, public records and TernaryException alone";
  }

  /** The public values that `internal` knows may use `internal`, but no class that knows them. */
  @Test
  void noCircleOfClassesGoesThroughThePublicTypesAndInternal() {
    assertThat(
            classes()
                .filter(type -> PackageOrder.isInternal(type.getPackageName()))
                .filter(type -> throughPublicTypes(type).contains(type))
                .map(JavaClass::getName))
        .isEmpty();
  }

  /** The classes that one reaches by way of a public type. */
  private static Set<JavaClass> throughPublicTypes(JavaClass start) {
    Set<JavaClass> direct = new HashSet<>();
    reach(List.of(start), direct);
    Set<JavaClass> reached = new HashSet<>();
    reach(direct.stream().filter(type -> type.getPackageName().equals(ROOT)).toList(), reached);
    return reached;
  }

  private static void reach(List<JavaClass> from, Set<JavaClass> reached) {
    Deque<JavaClass> open = new ArrayDeque<>(from);
    while (!open.isEmpty()) {
      used(open.remove()).filter(reached::add).forEach(open::add);
    }
  }

  /** The unexported packages are public for each other: a user could not name their types. */
  @Test
  void publicMethodsHaveTypesThatUsersCanName() {
    assertThat(
            classes()
                .filter(type -> EXPORTED.contains(type.getPackageName()))
                .flatMap(type -> type.getCodeUnits().stream())
                .filter(LibraryClassesTest::isVisible)
                .filter(
                    method ->
                        Stream.concat(
                                Stream.of(method.getRawReturnType()),
                                method.getRawParameterTypes().stream())
                            .map(JavaClass::getBaseComponentType)
                            .anyMatch(
                                type -> isOurs(type) && !EXPORTED.contains(type.getPackageName())))
                .map(JavaCodeUnit::getFullName))
        .isEmpty();
  }

  private static boolean isVisible(JavaCodeUnit method) {
    return Stream.of(method.getModifiers(), method.getOwner().getModifiers())
        .allMatch(
            modifiers ->
                modifiers.contains(JavaModifier.PUBLIC)
                    || modifiers.contains(JavaModifier.PROTECTED));
  }
}
