/**
 * @file atomic_file.h
 * @brief Puts a text in a file's place, or at its end, whole or not at all.
 */
#ifndef TERNARY_CORE_BASE_ATOMIC_FILE_H_
#define TERNARY_CORE_BASE_ATOMIC_FILE_H_

#include <string>

namespace ternary {

/**
 * Puts `text` in the place of the file `path`: whoever reads it, also after a crash, finds the old text or the new one.
 * The text is written beside it under a random name, which nobody can have planted a link at, and renamed. Of threads and
 * processes that do so at once the last wins.
 *
 * A new file has the mode that the umask leaves, one that is replaced keeps its mode. A symbolic link stays: what it leads
 * to is replaced. A character device or a pipe is written to where that cannot block.
 *
 * Throws a Failure, `subject` first ("the report /tmp/r.json"): TERNARY_INVALID_ARGUMENT where check_replaceable() would,
 * TERNARY_DEVICE_ERROR where the system refuses, e.g. on a full disk. The file is then as it was, and nothing beside it.
 */
void replace_file(const std::string& subject, const std::string& path, const std::string& text);

/**
 * Adds `text` at the end of the file `path` by one write, so that threads and processes which add to one file mix whole
 * texts. A new file has the mode that the umask leaves. Throws a Failure as replace_file() does; what a full disk took is
 * then a part of the text.
 */
void append_to_file(const std::string& subject, const std::string& path, const std::string& text);

/** Throws if replace_file() cannot succeed: for a folder, a block device, a socket, or where no file can be made. */
void check_replaceable(const std::string& subject, const std::string& path);

}  // namespace ternary

#endif  // TERNARY_CORE_BASE_ATOMIC_FILE_H_
