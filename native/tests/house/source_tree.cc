#include "house/source_tree.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace ternary::house {
namespace {

namespace fs = std::filesystem;

/** What an include may start from: the folders that compilers are given, besides the includer's own. */
constexpr const char* kIncludeRoots[] = {"", "include/", "tests/"};

bool is_source(const fs::path& path) {
  static const std::set<std::string> extensions = {".h", ".inc", ".cuh", ".c", ".cc", ".cu", ".py", ".sh", ".cmake"};
  return extensions.count(path.extension().string()) > 0;
}

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

std::string unit_of(const std::string& path) { return fs::path(path).replace_extension().string(); }

/** The paths that the text's includes name, as they are written. */
std::vector<std::string> written_includes(const std::string& text) {
  static const std::regex pattern(R"re(^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">])re");
  std::vector<std::string> paths;
  std::istringstream lines(text);
  std::smatch match;
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_search(line, match, pattern)) paths.push_back(match[1]);
  }
  return paths;
}

/** The row of a file: its unit's, else its folder's, else that of every other folder beside it; -1 if there is none. */
int row_of(const std::string& path, const std::vector<Room>& rooms) {
  const std::string folder = folder_of(path);
  for (const std::string& name : {unit_of(path), folder, folder_of(folder) + "/*"}) {
    for (size_t row = 0; row < rooms.size(); ++row) {
      if (rooms[row].name == name) return static_cast<int>(row);
    }
  }
  return -1;
}

/** Whether `seen` of a row is the room's name, or a star of the folder that the room is in. */
bool names_room(const std::string& seen, const std::string& room) {
  return seen == room || (seen.back() == '*' && seen == folder_of(room) + "/*");
}

bool sees(const std::vector<Room>& rooms, int from, int to) {
  if (from == to) return true;
  const Room& room = rooms[static_cast<size_t>(from)];
  return to < from &&
         std::any_of(
             room.sees.begin(), room.sees.end(),
             [&](const std::string& seen) { return names_room(seen, rooms[static_cast<size_t>(to)].name); });
}

/** Rows that no file is in, and names in them that are no lower row's. */
void check_rooms(const std::vector<Room>& rooms, const std::set<int>& used, Findings* findings) {
  for (size_t row = 0; row < rooms.size(); ++row) {
    const Room& room = rooms[row];
    if (!used.count(static_cast<int>(row))) findings->push_back("the list has " + room.name + ", where no source is");
    for (const std::string& seen : room.sees) {
      const auto below = rooms.begin() + static_cast<std::ptrdiff_t>(row);
      if (std::none_of(rooms.begin(), below, [&](const Room& lower) { return names_room(seen, lower.name); })) {
        findings->push_back("the list lets " + room.name + " see " + seen + ", which is not below it");
      }
    }
  }
}

/** Depth-first search that reports each circle it closes. */
class CircleSearch {
 public:
  explicit CircleSearch(const std::map<std::string, std::set<std::string>>& edges) : edges_(edges) {}

  Findings run() {
    for (const auto& [unit, ignored] : edges_) visit(unit);
    return findings_;
  }

 private:
  void visit(const std::string& unit) {
    const auto open = std::find(path_.begin(), path_.end(), unit);
    if (open != path_.end()) {
      std::string circle;
      for (auto step = open; step != path_.end(); ++step) circle += *step + " -> ";
      findings_.push_back("a circle: " + circle + unit);
      return;
    }
    if (!done_.insert(unit).second) return;
    path_.push_back(unit);
    const auto edges = edges_.find(unit);
    if (edges != edges_.end()) {
      for (const std::string& next : edges->second) visit(next);
    }
    path_.pop_back();
  }

  const std::map<std::string, std::set<std::string>>& edges_;
  std::vector<std::string> path_;
  std::set<std::string> done_;
  Findings findings_;
};

}  // namespace

SourceTree::SourceTree(const std::map<std::string, std::string>& texts) {
  for (const auto& [path, text] : texts) {
    std::vector<std::string>& includes = includes_[path];
    for (const std::string& written : written_includes(text)) {
      std::vector<std::string> candidates = {(fs::path(folder_of(path)) / written).lexically_normal().string()};
      for (const char* root : kIncludeRoots) candidates.push_back(fs::path(root + written).lexically_normal().string());
      const auto found = std::find_if(candidates.begin(), candidates.end(),
                                      [&](const std::string& candidate) { return texts.count(candidate) > 0; });
      if (found != candidates.end()) includes.push_back(*found);  // else the system's, CUDA's or generated
    }
  }
}

SourceTree SourceTree::read(const std::string& folder) {
  std::map<std::string, std::string> texts;
  for (auto at = fs::recursive_directory_iterator(folder); at != fs::recursive_directory_iterator(); ++at) {
    if (at->is_directory() && fs::exists(at->path() / "CMakeCache.txt")) at.disable_recursion_pending();
    if (!at->is_regular_file() || !is_source(at->path())) continue;
    std::ifstream file(at->path());
    texts[at->path().lexically_relative(folder).string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return SourceTree(texts);
}

Findings SourceTree::upward_includes(const std::vector<Room>& rooms) const {
  Findings findings;
  std::set<int> used;
  for (const auto& [path, includes] : includes_) {
    const int from = row_of(path, rooms);
    if (from < 0) {
      findings.push_back(path + " is in no room of the list");
      continue;
    }
    used.insert(from);
    for (const std::string& included : includes) {
      const int to = row_of(included, rooms);
      if (to < 0 || sees(rooms, from, to)) continue;
      findings.push_back(path + " includes " + included + ", but " + rooms[static_cast<size_t>(from)].name +
                         " does not see " + rooms[static_cast<size_t>(to)].name);
    }
  }
  check_rooms(rooms, used, &findings);
  return findings;
}

Findings SourceTree::include_circles() const {
  std::map<std::string, std::set<std::string>> edges;
  for (const auto& [path, includes] : includes_) {
    const std::string unit = unit_of(path);
    for (const std::string& included : includes) {
      if (unit_of(included) != unit) edges[unit].insert(unit_of(included));
    }
  }
  return CircleSearch(edges).run();
}

Findings SourceTree::crowded_folders(int most) const {
  std::map<std::string, int> files;
  for (const auto& [path, includes] : includes_) ++files[folder_of(path)];
  Findings findings;
  for (const auto& [folder, count] : files) {
    if (count <= most) continue;
    findings.push_back(folder + " has " + std::to_string(count) + " source files, more than " + std::to_string(most));
  }
  return findings;
}

}  // namespace ternary::house
