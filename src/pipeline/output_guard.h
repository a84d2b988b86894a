#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/inputs.h"
#include "pipeline/option_spelling.h"
#include "pipeline/own_output.h"

namespace retinaface::pipeline {

/// Keeps a command from destroying what is not its own. Before any work the command tells all files
/// that it will read and write, in any order; the first that do not go together throw
/// Error(kInvalidArgument), which names them and the remedy:
///   - a file that is both read and written, also by another name, a link or a hard link
///   - a file written for two different inputs
///   - a file that exists and is not ours (own_output.h), unless it may be replaced
///   - a file that is to be a folder as well, for another output to stand in
///   - "-", standard output, for what does not go there; "./-" is a file of that name
/// Files are told apart by device and inode, those that are still to be made by their folder's and
/// the rest of their path.
class OutputGuard {
 public:
  /// `overwrite`: files that are not ours may be replaced; `name` spells that option in messages.
  explicit OutputGuard(bool overwrite, const OptionSpelling& name = {})
      : overwrite_(overwrite), name_(name) {}

  /// A file that is read. What does not exist, or is no regular file, is not looked at further.
  void reads(const std::filesystem::path& path);

  /// Refuses standard output that goes into one of the inputs. What holds nothing, or has no name
  /// of an image or a video, is none: `detect *` is given the file of its own output by the shell.
  static void check_standard_output(const std::vector<Input>& inputs);

  /// The same of a model that an option names, where it is a file: by its path or by its name.
  void reads_model(const std::string& name);

  /// A file that is written; `source` is the input that it is written for, empty if that is the
  /// command as a whole. Models, figures and vectors need a folder that is there: that is said
  /// before the work, too. Two inputs that are one file may share an output. Figures may go to
  /// "-", by write_report.
  void writes(const std::filesystem::path& path, OutputKind kind,
              const std::filesystem::path& source = {});

  /// A file that is gone on with: the command itself checks that its content is ours.
  void continues(const std::filesystem::path& path, OutputKind kind);

  /// Files that have this extension and a name that begins with a digit.
  void writes(const NumberedFiles& numbered, const std::filesystem::path& source = {});

 private:
  /// What a path leads to.
  struct Place {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;  ///< of the file, or of the deepest folder above it that exists
    std::string rest;         ///< of the path below that folder; empty for what exists
    auto operator<=>(const Place&) const = default;
  };
  struct Written {
    std::filesystem::path path;
    std::filesystem::path source;
  };
  struct Numbered {
    std::string extension;
    std::filesystem::path folder;
    std::filesystem::path source;
  };

  /// Notes a file as written. Returns false where there is nothing to replace: a device, or a file
  /// that is noted already.
  bool claim(const std::filesystem::path& path, const std::filesystem::path& source);
  /// Notes the folders that have to be made for a file or folder of that path. Throws where one of
  /// them is a file, there already or to be written.
  void claim_folders_above(const std::filesystem::path& path);
  /// Notes a folder that is written into.
  void claim_folder(const std::filesystem::path& folder, const std::filesystem::path& output);
  static Place place_of(const std::filesystem::path& link);
  static bool is_same(const std::filesystem::path& a, const std::filesystem::path& b);
  void check_replaces_ours(const std::filesystem::path& path, OutputKind kind) const;
  /// The files of the folder that that writes(NumberedFiles) was told of and which may be this one;
  /// none if there are none.
  const Numbered* numbered_around(const std::filesystem::path& path) const;

  bool overwrite_;
  OptionSpelling name_;
  std::map<Place, std::filesystem::path> read_;
  std::map<Place, Written> written_;
  std::map<Place, std::vector<Numbered>> numbered_;  ///< by folder
  std::map<Place, std::filesystem::path> made_;      ///< folders, by what first asks for them
  /// By folder, files that are read or written and have a number's name.
  std::map<Place, std::vector<Written>> like_numbered_;
};

}  // namespace retinaface::pipeline
