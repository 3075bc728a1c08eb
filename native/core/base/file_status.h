/**
 * @file file_status.h
 * @brief What a path or an open file is.
 */
#ifndef TERNARY_CORE_BASE_FILE_STATUS_H_
#define TERNARY_CORE_BASE_FILE_STATUS_H_

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ternary {

/** stat() and fstat() as system calls, errno included: glibc 2.33 gave the functions symbols that older ones lack. */
inline int file_status(const char* path, struct stat& status) {
  return static_cast<int>(syscall(SYS_stat, path, &status));
}
inline int file_status(int file, struct stat& status) { return static_cast<int>(syscall(SYS_fstat, file, &status)); }

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_FILE_STATUS_H_
