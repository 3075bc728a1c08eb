/** What Java tells the core right after it has loaded it. By hand, for it runs before anything else may. */
#include <jni.h>

#include <cstring>
#include <string>

#include "ternary/ternary.h"

extern "C" {

/** Null, or the core's sentence in UTF-8. The folder is zero-terminated, in the encoding of file names. */
JNIEXPORT jbyteArray JNICALL Java_org_ternarykernels_binding_NativeLibraries_configureNative(JNIEnv* env, jclass,
                                                                                             jbyteArray folder,
                                                                                             jint copy) {
  std::string bytes(static_cast<size_t>(env->GetArrayLength(folder)), '\0');
  env->GetByteArrayRegion(folder, 0, static_cast<jsize>(bytes.size()), reinterpret_cast<jbyte*>(&bytes[0]));
  if (ternary_configure_process(bytes.c_str(), copy) == TERNARY_OK) return nullptr;
  const char* sentence = ternary_last_error();
  const auto length = static_cast<jsize>(std::strlen(sentence));
  jbyteArray result = env->NewByteArray(length);
  if (result != nullptr) env->SetByteArrayRegion(result, 0, length, reinterpret_cast<const jbyte*>(sentence));
  return result;
}

}  // extern "C"
