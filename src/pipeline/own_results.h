#pragma once

#include <string_view>

namespace retinaface::pipeline {

// What detect and embed write, known by its form: members that are not ours (names of people, say)
// show that a user has worked on it since.

/// A whole line of JSON of one image or frame, as to_json has it; those of former versions have
/// fewer members.
bool is_own_line(std::string_view line);
/// The beginning of one, which a run that was killed leaves.
bool begins_own_line(std::string_view text);

/// Results as JSON lines, an array of them or CSV. `beginning` is the file's, all of it where
/// `is_whole`.
bool is_own_results(std::string_view beginning, bool is_whole);

/// Lines of JSON of one face each, as face_to_json has them.
bool is_own_vectors(std::string_view beginning, bool is_whole);

}  // namespace retinaface::pipeline
