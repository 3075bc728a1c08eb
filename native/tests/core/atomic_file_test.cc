// Files that native code writes: whole or not at all, whatever lies at the path and whatever the system does.
#include "core/base/atomic_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "core/base/failure.h"
#include "support/handles.h"

namespace {

std::atomic<int> files_synced{0}, folders_synced{0}, folder_error{0};

bool is_folder(int file) {
  struct stat status;
  return fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

/** Takes the place of the C library's in this program: counts, and refuses folders where a test says so. */
extern "C" int fsync(int file) {
  if (is_folder(file)) {
    ++folders_synced;
    errno = folder_error;
    return folder_error == 0 ? 0 : -1;
  }
  ++files_synced;
  return static_cast<int>(syscall(SYS_fsync, file));
}

namespace ternary::test {
namespace {

class AtomicFile : public testing::Test {
 public:
  AtomicFile() {
    std::string pattern = testing::TempDir() + "atomic-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    folder_error = 0;
  }
  ~AtomicFile() override {
    for (const std::string& name : names()) std::remove(path(name).c_str());
    rmdir(folder_.c_str());
  }

 protected:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  /** What lies in the folder, sorted. */
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    DIR* folder = opendir(folder_.c_str());
    while (const dirent* entry = readdir(folder)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") found.push_back(name);
    }
    closedir(folder);
    std::sort(found.begin(), found.end());
    return found;
  }

  void make(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(path(name)) << text;
    ASSERT_EQ(chmod(path(name).c_str(), mode), 0);
  }

  mode_t mode_of(const std::string& name) const {
    struct stat status = {};
    EXPECT_EQ(lstat(path(name).c_str(), &status), 0);
    return status.st_mode;
  }

  /** The sentence of a refusal, empty if the file was written. */
  std::string write(const std::string& name, const std::string& text, ternary_status expected = TERNARY_OK) const {
    try {
      replace_file("the report " + path(name), path(name), text);
      EXPECT_EQ(expected, TERNARY_OK) << name << " was written";
      return "";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.status(), expected) << failure.what();
      return failure.what();
    }
  }

  std::string refusal(const std::string& name, ternary_status status = TERNARY_INVALID_ARGUMENT) const {
    const std::string sentence = write(name, "text", status),
                      start = "the report " + path(name) + " cannot be written: ";
    EXPECT_EQ(sentence.rfind(start, 0), 0u) << sentence;
    return sentence.substr(std::min(start.size(), sentence.size()));
  }

  using Names = std::vector<std::string>;

  std::string folder_;
};

TEST_F(AtomicFile, ANewFileHasTheModeThatTheUmaskLeaves) {
  const mode_t before = umask(027);
  write("new", "text");
  umask(before);
  EXPECT_EQ(read_text(path("new")), "text");
  EXPECT_EQ(mode_of("new"), static_cast<mode_t>(S_IFREG | 0640));
  EXPECT_EQ(names(), Names{"new"});
}

TEST_F(AtomicFile, AFileThatIsReplacedKeepsItsMode) {
  for (mode_t mode : {0600, 0444, 0666}) {
    make("old", "a longer text than the new one", mode);
    write("old", "text");
    EXPECT_EQ(read_text(path("old")), "text");
    EXPECT_EQ(mode_of("old"), static_cast<mode_t>(S_IFREG | mode));
  }
  EXPECT_EQ(names(), Names{"old"});
}

TEST_F(AtomicFile, ALinkAtAGuessedNameIsNotFollowed) {
  make("precious", "precious");
  const std::string guess = "r.json.tmp" + std::to_string(getpid());
  ASSERT_EQ(symlink("precious", path(guess).c_str()), 0);
  write("r.json", "text");
  EXPECT_EQ(read_text(path("precious")), "precious");
  EXPECT_EQ(mode_of("r.json") & S_IFMT, static_cast<mode_t>(S_IFREG));
  EXPECT_EQ(names(), (Names{"precious", "r.json", guess}));
}

TEST_F(AtomicFile, ALinkStaysAndWhatItLeadsToIsReplaced) {
  make("real", "old", 0600);
  ASSERT_EQ(symlink("real", path("link").c_str()), 0);
  ASSERT_EQ(symlink(path("link").c_str(), path("absolute").c_str()), 0);
  ASSERT_EQ(symlink("missing", path("dangling").c_str()), 0);
  write("link", "once");
  EXPECT_EQ(read_text(path("real")), "once");
  write("absolute", "twice");
  EXPECT_EQ(read_text(path("real")), "twice");
  EXPECT_EQ(mode_of("real"), static_cast<mode_t>(S_IFREG | 0600));
  write("dangling", "made");
  EXPECT_EQ(read_text(path("missing")), "made");
  for (const char* link : {"link", "absolute", "dangling"}) {
    EXPECT_EQ(mode_of(link) & S_IFMT, static_cast<mode_t>(S_IFLNK)) << link;
  }
  EXPECT_EQ(names(), (Names{"absolute", "dangling", "link", "missing", "real"}));
  ASSERT_EQ(symlink("self", path("self").c_str()), 0);
  EXPECT_EQ(refusal("self"), "Too many levels of symbolic links");
}

TEST_F(AtomicFile, APipeIsWrittenToIfSomebodyReadsIt) {
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(refusal("pipe"), "nobody reads the pipe");
  const int reader = open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  write("pipe", "text");
  char got[8] = {};
  EXPECT_EQ(read(reader, got, sizeof got), 4);
  EXPECT_STREQ(got, "text");
  const std::string sentence = write("pipe", std::string(1 << 20, 'x'), TERNARY_DEVICE_ERROR);
  EXPECT_NE(sentence.find("its reader is behind"), std::string::npos) << sentence;
  close(reader);
  EXPECT_EQ(mode_of("pipe") & S_IFMT, static_cast<mode_t>(S_IFIFO));
  EXPECT_EQ(names(), Names{"pipe"});
}

/** Not one of /dev's own nodes: a mistake here would replace it. Nothing can be renamed into the terminals' folder. */
TEST_F(AtomicFile, ADeviceIsWrittenToAndStays) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal), 0);
  ASSERT_EQ(unlockpt(terminal), 0);
  const std::string device = ptsname(terminal);
  const int screen = open(device.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // or what was written would be gone
  ASSERT_EQ(symlink(device.c_str(), path("link").c_str()), 0);
  EXPECT_EQ(write("link", "text"), "");
  char got[8] = {};
  EXPECT_EQ(read(terminal, got, sizeof got), 4);
  EXPECT_STREQ(got, "text");
  struct stat status = {};
  ASSERT_EQ(stat(device.c_str(), &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
  EXPECT_EQ(names(), Names{"link"});
  close(screen);
  close(terminal);
}

TEST_F(AtomicFile, WhatIsNoFileIsRefusedBeforeAnythingIsWritten) {
  ASSERT_EQ(mkdir(path("folder").c_str(), 0700), 0);
  EXPECT_EQ(refusal("folder"), "it is a folder");
  EXPECT_EQ(refusal("folder/"), "it names no file");
  EXPECT_EQ(refusal("missing/r.json"),
            "no file can be made in its folder " + path("missing") + ": No such file or directory");
  make("file", "text");
  EXPECT_EQ(refusal("file/r.json"), "Not a directory");
  EXPECT_THROW(replace_file("the report ", "", "text"), Failure);
  EXPECT_THROW(check_replaceable("the report", path("folder")), Failure);
  EXPECT_NO_THROW(check_replaceable("the report", path("file")));
  EXPECT_NO_THROW(check_replaceable("the report", path("other")));
  EXPECT_EQ(names(), (Names{"file", "folder"}));
}

TEST_F(AtomicFile, FileAndFolderReachTheDiskAndAFolderThatCannotIsNoError) {
  for (int error : {0, EINVAL, ENOTSUP, EACCES}) {
    files_synced = folders_synced = 0;
    folder_error = error;
    EXPECT_EQ(write("file", std::to_string(error)), "");
    EXPECT_EQ(read_text(path("file")), std::to_string(error));
    EXPECT_EQ(files_synced, 1);
    EXPECT_EQ(folders_synced, 1);
  }
}

/** In a child whose files may have 1 KiB: 0 if a larger text fails as it should. */
int child_on_a_full_disk(const std::string& path, bool ignored) {
  signal(SIGXFSZ, ignored ? SIG_IGN : SIG_DFL);
  const rlimit limit = {1024, 1024};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
  try {
    replace_file("the report", path, std::string(1 << 16, 'x'));
    return 3;
  } catch (const Failure& failure) {
    return std::string(failure.what()) == "the report cannot be written: File too large" ? 0 : 4;
  }
}

TEST_F(AtomicFile, AFullDiskLeavesTheOldFileWholeAndNothingBesideIt) {
  for (bool ignored : {true, false}) {  // by the JVM; by default the signal ends the process
    make("old", "old");
    const pid_t child = fork();
    if (child == 0) _exit(child_on_a_full_disk(path("old"), ignored));
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_EQ(read_text(path("old")), "old");
    EXPECT_EQ(names(), Names{"old"});
  }
}

TEST_F(AtomicFile, WhatIsAppendedComesBehindWhatIsThere) {
  const auto append = [&](const std::string& text) { append_to_file("the file", path("lines"), text); };
  append("");
  EXPECT_EQ(read_text(path("lines")), "");
  EXPECT_EQ(names(), Names{"lines"});
  append("one\n");
  append("two\n");
  EXPECT_EQ(read_text(path("lines")), "one\ntwo\n");
}

TEST_F(AtomicFile, WhatCannotBeAppendedIsRefusedInASentence) {
  const auto refusal_of = [](const std::string& path, const std::string& text) {
    try {
      append_to_file("the file", path, text);
      return std::string("appended");
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
  };
  EXPECT_EQ(refusal_of(folder_, "x"), "the file cannot be written: it is a folder");
  EXPECT_EQ(refusal_of("/dev/full", "x"), "the file cannot be written: No space left on device");
  EXPECT_EQ(refusal_of("/dev/full", ""), "appended") << "nothing is written to a file that is only made";
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(refusal_of(path("pipe"), "x"), "the file cannot be written: nobody reads the pipe");
}

TEST_F(AtomicFile, ThoseWhoAppendAtOnceMixWholeTexts) {
  std::vector<std::thread> threads;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    threads.emplace_back([&, letter] {
      for (int i = 0; i < 50; ++i) append_to_file("the file", path("lines"), std::string(700, letter) + "\n");
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::ifstream lines(path("lines"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) EXPECT_EQ(line, std::string(700, line.front()));
  EXPECT_EQ(count, 200);
}

TEST_F(AtomicFile, WritersAtOnceLeaveOneWholeText) {
  std::atomic<bool> done{false};
  make("file", std::string(5000, 'x'));
  std::vector<std::thread> writers;
  for (char c : {'a', 'b', 'c'}) {
    writers.emplace_back([&, c] {
      for (int i = 0; i < 50; ++i) EXPECT_EQ(write("file", std::string(5000, c)), "");
    });
  }
  std::thread reader([&] {
    while (!done) {
      const std::string text = read_text(path("file"));
      ASSERT_EQ(text, std::string(5000, text[0]));
    }
  });
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(names(), Names{"file"});
}

}  // namespace
}  // namespace ternary::test
