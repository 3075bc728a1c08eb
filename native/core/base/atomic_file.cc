#include "core/base/atomic_file.h"

#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <cstring>

#include "core/base/failure.h"
#include "core/base/file_status.h"

namespace ternary {
namespace {

constexpr int kMostLinks = 40;   // as many as the kernel follows
constexpr int kMostNames = 100;  // of 64 random bits: the second is not needed

/** An errno on its way to the sentence. */
struct SystemFault {
  int error;
};

void require(bool done) {
  if (!done) throw SystemFault{errno};
}

[[noreturn]] void refuse(const std::string& subject, const std::string& cause) {
  fail(TERNARY_INVALID_ARGUMENT, "%s cannot be written: %s", subject.c_str(), cause.c_str());
}

/** "." for a bare name. */
std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash == 0 ? 1 : slash);
}

/** What a symbolic link leads to, which need not exist; any other path is its own. */
std::string resolved(std::string path) {
  for (int links = 0; links < kMostLinks; ++links) {
    char target[PATH_MAX];
    const ssize_t length = readlink(path.c_str(), target, sizeof target);
    if (length < 0) break;
    const std::string to(target, static_cast<size_t>(length));
    path = to[0] == '/' ? to : folder_of(path) + '/' + to;
  }
  return path;
}

struct Target {
  bool stream;       ///< a character device or a pipe, written to rather than replaced
  std::string path;  ///< that a rename replaces
  mode_t mode;
  bool exists;
};

/** Throws if the path is nothing that could be written. Looks through links as the kernel allows it. */
Target target_of(const std::string& subject, const std::string& path) {
  if (path.empty() || path.back() == '/') refuse(subject, "it names no file");
  struct stat status;
  if (file_status(path.c_str(), status) != 0) {
    if (errno != ENOENT) refuse(subject, std::strerror(errno));
    return {false, resolved(path), 0666, false};
  }
  if (S_ISDIR(status.st_mode)) refuse(subject, "it is a folder");
  if (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode)) return {true, path, 0, true};
  if (!S_ISREG(status.st_mode)) refuse(subject, "it is no file, but a block device or a socket");
  return {false, resolved(path), status.st_mode & 0777, true};
}

Target checked_target(const std::string& subject, const std::string& path) {
  Target target = target_of(subject, path);
  if (target.stream) {
    if (access(path.c_str(), W_OK) != 0) refuse(subject, std::strerror(errno));
    return target;
  }
  const std::string folder = folder_of(target.path);
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    refuse(subject, "no file can be made in its folder " + quotable(folder) + ": " + std::strerror(errno));
  }
  return target;
}

/** The signals that a write may raise at its thread, held back and taken off: by default they end the process. */
class HeldSignals {
 public:
  HeldSignals() {
    sigset_t pending;
    sigpending(&pending);
    sigemptyset(&raised_);
    for (int signal : {SIGPIPE, SIGXFSZ}) {
      if (sigismember(&pending, signal) == 0) sigaddset(&raised_, signal);  // another's stays for its owner
    }
    pthread_sigmask(SIG_BLOCK, &raised_, &before_);
  }
  ~HeldSignals() {
    const timespec at_once = {};
    while (sigtimedwait(&raised_, nullptr, &at_once) > 0) {
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t raised_, before_;
};

/** An open file for a scope. */
class OpenFile {
 public:
  explicit OpenFile(int file) : file_(file) {}
  ~OpenFile() {
    if (file_ >= 0) close(file_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int get() const { return file_; }

  void write_all(const std::string& text) {
    for (size_t done = 0; done < text.size();) {
      const ssize_t written = write(file_, text.data() + done, text.size() - done);
      if (written == 0) errno = EIO;
      require(written > 0 || errno == EINTR);
      if (written > 0) done += static_cast<size_t>(written);
    }
  }

  void write_at_once(const std::string& text) {
    ssize_t written = 0;
    do written = write(file_, text.data(), text.size());
    while (written < 0 && errno == EINTR);
    if (written >= 0) errno = ENOSPC;  // the usual cause of a short write, which sets none
    require(written == static_cast<ssize_t>(text.size()));
  }

  /** Tells what a file system finds out so late, e.g. a quota. */
  void finish() {
    const int file = file_;
    file_ = -1;
    require(close(file) == 0 || errno == EINTR);
  }

 private:
  int file_;
};

uint64_t random_bits() {
  uint64_t bits = 0;
  if (syscall(SYS_getrandom, &bits, sizeof bits, 0) == sizeof bits) return bits;
  timespec now;  // before Linux 3.17: the name can be guessed, yet no link of that name is followed
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (static_cast<uint64_t>(now.tv_sec) << 30 ^ static_cast<uint64_t>(now.tv_nsec)) * 0x9e3779b97f4a7c15 ^
         static_cast<uint64_t>(getpid());
}

/** A name beside the target; its file is gone at the end unless it took the target's place. */
class Temporary {
 public:
  Temporary(const std::string& folder, mode_t mode) : file_(create(folder, mode)) {}
  ~Temporary() {
    if (!name_.empty()) unlink(name_.c_str());
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  OpenFile& file() { return file_; }

  void take_place_of(const std::string& path) {
    require(rename(name_.c_str(), path.c_str()) == 0);
    name_.clear();
  }

 private:
  /** Never with more rights than asked for, not even for a moment. */
  int create(const std::string& folder, mode_t mode) {
    for (int tried = 1;; ++tried) {
      char name[40];
      std::snprintf(name, sizeof name, "/.ternary-%016" PRIx64 ".tmp", random_bits());
      const std::string path = folder + name;
      const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
      if (file >= 0) {
        name_ = path;
        return file;
      }
      require(errno == EEXIST && tried < kMostNames);
    }
  }

  std::string name_;
  OpenFile file_;
};

/** The file itself must be on the disk; a file system that has no such call has nothing better. */
void sync_file(int file) { require(fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP || errno == ENOSYS); }

/** The name too, where it can be: many file systems have no fsync of a folder, and one may be forbidden to read. */
void sync_folder(const std::string& folder) {
  const OpenFile opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() >= 0) (void)fsync(opened.get());
}

void replace(const Target& target, const std::string& text) {
  const std::string folder = folder_of(target.path);
  Temporary temporary(folder, target.mode);
  OpenFile& file = temporary.file();
  if (target.exists) (void)fchmod(file.get(), target.mode);  // what the umask took; refused: it has fewer rights
  file.write_all(text);
  sync_file(file.get());
  file.finish();
  temporary.take_place_of(target.path);
  sync_folder(folder);
}

void write_through(const std::string& subject, const std::string& path, const std::string& text) {
  OpenFile file(open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENXIO) refuse(subject, "nobody reads the pipe");
  require(file.get() >= 0);
  struct stat status;
  require(file_status(file.get(), status) == 0);
  if (!S_ISCHR(status.st_mode) && !S_ISFIFO(status.st_mode)) refuse(subject, "it became another kind of file");
  file.write_all(text);
  file.finish();
}

}  // namespace

void replace_file(const std::string& subject, const std::string& path, const std::string& text) {
  const Target target = checked_target(subject, path);
  const HeldSignals held;
  try {
    if (target.stream) {
      write_through(subject, path, text);
    } else {
      replace(target, text);
    }
  } catch (const SystemFault& fault) {
    fail(TERNARY_DEVICE_ERROR, "%s cannot be written: %s", subject.c_str(),
         fault.error == EAGAIN ? "its reader is behind, and it is not waited for" : std::strerror(fault.error));
  }
}

void append_to_file(const std::string& subject, const std::string& path, const std::string& text) {
  checked_target(subject, path);
  const HeldSignals held;
  try {
    OpenFile file(open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0666));
    if (file.get() < 0 && errno == ENXIO) refuse(subject, "nobody reads the pipe");
    require(file.get() >= 0);
    if (!text.empty()) file.write_at_once(text);
    file.finish();
  } catch (const SystemFault& fault) {
    fail(TERNARY_DEVICE_ERROR, "%s cannot be written: %s", subject.c_str(), std::strerror(fault.error));
  }
}

void check_replaceable(const std::string& subject, const std::string& path) { checked_target(subject, path); }

}  // namespace ternary
