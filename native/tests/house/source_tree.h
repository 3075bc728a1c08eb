/**
 * @file source_tree.h
 * @brief The rules of the source tree: includes run downward, no circle of units, no crowded folder. Each rule gives its
 * findings, a sentence each; none if the tree keeps it.
 */
#ifndef TERNARY_TESTS_HOUSE_SOURCE_TREE_H_
#define TERNARY_TESTS_HOUSE_SOURCE_TREE_H_

#include <map>
#include <string>
#include <vector>

namespace ternary::house {

using Findings = std::vector<std::string>;

/**
 * A row of the list of rooms, which runs from the lowest to the highest. A room is a folder without its subfolders. The
 * name "a/b" may be one unit of folder a too, which then is a room of its own, and "a" followed by a star is every
 * folder in a that has no row.
 */
struct Room {
  std::string name;
  std::vector<std::string> sees;  ///< what it includes besides itself: names as above, all of lower rows
};

/** Source files of a tree and what they include. */
class SourceTree {
 public:
  /** `texts`: by path from the top of the tree. */
  explicit SourceTree(const std::map<std::string, std::string>& texts);

  /** The sources in a folder; build folders are left out. */
  static SourceTree read(const std::string& folder);

  /** Includes that no row of `rooms` allows, files without a room, rows that name no file or see what is not lower. */
  Findings upward_includes(const std::vector<Room>& rooms) const;

  /** Circles of units: a unit is all files of one folder and name, whatever their extension. */
  Findings include_circles() const;

  /** Folders with more than `most` source files, those of subfolders not counted. */
  Findings crowded_folders(int most) const;

 private:
  std::map<std::string, std::vector<std::string>> includes_;  ///< of each file: paths in the tree
};

}  // namespace ternary::house

#endif  // TERNARY_TESTS_HOUSE_SOURCE_TREE_H_
