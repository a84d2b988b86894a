#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace retinaface::evaluation {

/// A MATLAB array of two dimensions: numbers, text or cells, whichever is not empty.
struct MatArray {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> numbers;  ///< column by column, whatever type they are stored as
  std::string text;             ///< characters outside of ASCII become '?'
  std::vector<MatArray> cells;  ///< column by column
};

/// The variables of a MATLAB file of level 5 (what MATLAB 5 to 7.2 write, and WIDER FACE's ground
/// truth is), little-endian: "MAT-File Level 5", MathWorks, "MAT-File Format". Why it is read here
/// and not by libmatio is in doc/dependencies.md.
class MatFile {
 public:
  /// Throws Error as read_file does; kBadData where it is no MATLAB file or is damaged;
  /// kUnsupported for other levels and for big-endian files.
  explicit MatFile(const std::filesystem::path& path);

  /// Throws Error(kBadData): no such variable, a damaged one, one that holds or contains anything
  /// but real numbers, text and cells.
  MatArray read(const std::string& variable) const;

 private:
  std::string name_;
  std::map<std::string, std::vector<std::byte>>
      variables_;  ///< name, content of its matrix element
};

}  // namespace retinaface::evaluation
