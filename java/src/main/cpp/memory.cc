/**
 * The part of the binding that is written by hand: native memory as Java sees it. JavaCPP generates the rest
 * (jniternary.cpp, addresses as `long`). Its own `Pointer` is not used for this: initialising that class starts a thread
 * which keeps the class loader alive, and its `asByteBuffer` dereferences null when the heap has no room for a buffer.
 */
#include <jni.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "operands.h"

namespace {

void* pointer(jlong address) { return reinterpret_cast<void*>(static_cast<uintptr_t>(address)); }

/** Null if this JDK has none. */
jfieldID segment_field(JNIEnv* env) {
  jclass type = env->FindClass("java/nio/Buffer");
  jfieldID field = type == nullptr ? nullptr : env->GetFieldID(type, "segment", "Ljava/lang/foreign/MemorySegment;");
  env->ExceptionClear();
  return field;
}

template <typename Function>
jlong address_of(Function* function) {
  return static_cast<jlong>(reinterpret_cast<uintptr_t>(function));
}

}  // namespace

extern "C" {

/** 0 if there is no memory. */
JNIEXPORT jlong JNICALL Java_org_ternarykernels_binding_Memory_allocateNative(JNIEnv*, jclass, jlong alignment,
                                                                              jlong bytes) {
  void* memory = std::aligned_alloc(static_cast<size_t>(alignment), static_cast<size_t>(bytes));
  return static_cast<jlong>(reinterpret_cast<uintptr_t>(memory));
}

JNIEXPORT void JNICALL Java_org_ternarykernels_binding_Memory_freeNative(JNIEnv*, jclass, jlong address) {
  std::free(pointer(address));
}

JNIEXPORT void JNICALL Java_org_ternarykernels_binding_Memory_fillNative(JNIEnv*, jclass, jlong address, jint value,
                                                                         jlong bytes) {
  std::memset(pointer(address), value, static_cast<size_t>(bytes));
}

JNIEXPORT jlong JNICALL Java_org_ternarykernels_binding_Memory_textLengthNative(JNIEnv*, jclass, jlong address) {
  return static_cast<jlong>(std::strlen(static_cast<const char*>(pointer(address))));
}

/** 0 for a heap buffer. */
JNIEXPORT jlong JNICALL Java_org_ternarykernels_binding_Memory_addressNative(JNIEnv* env, jclass, jobject buffer) {
  return static_cast<jlong>(reinterpret_cast<uintptr_t>(env->GetDirectBufferAddress(buffer)));
}

/** Null with a pending exception if the heap has no room for the buffer. */
JNIEXPORT jobject JNICALL Java_org_ternarykernels_binding_Memory_viewNative(JNIEnv* env, jclass, jlong address,
                                                                            jlong bytes) {
  return env->NewDirectByteBuffer(pointer(address), bytes);
}

/**
 * Null for a buffer that no segment made, and where the JDK keeps it elsewhere: the field is its own affair. JDK 22 to 25
 * have it. Without it a buffer of a closed arena is not told from any other.
 */
JNIEXPORT jobject JNICALL Java_org_ternarykernels_binding_Memory_segmentNative(JNIEnv* env, jclass, jobject buffer) {
  static const jfieldID field = segment_field(env);
  return field == nullptr ? nullptr : env->GetObjectField(buffer, field);
}

/** The address of one of TERNARY_HELD_FUNCTIONS; 0 if there is none of the name, and with a pending exception. */
JNIEXPORT jlong JNICALL Java_org_ternarykernels_binding_Memory_functionNative(JNIEnv* env, jclass, jstring name) {
  const struct {
    const char* name;
    jlong address;
  } functions[] = {
#define FUNCTION(function) {#function, address_of(function)},
      TERNARY_HELD_FUNCTIONS(FUNCTION)
#undef FUNCTION
  };
  const char* wanted = env->GetStringUTFChars(name, nullptr);
  if (wanted == nullptr) return 0;
  jlong address = 0;
  for (const auto& function : functions) {
    if (std::strcmp(function.name, wanted) == 0) address = function.address;
  }
  env->ReleaseStringUTFChars(name, wanted);
  return address;
}

}  // extern "C"
