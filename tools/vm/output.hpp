#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "store/types.hpp"

/// What people and scripts read.
namespace sojourn::tools {

using Json = nlohmann::ordered_json;

/// To stdout, as one line. Errors: those of the file.
Result<void> print_json(const Json& object);
Result<void> print_line(std::string_view text);

/// The object that every JSON answer begins as.
Json new_json();

/// `name`'s row in `vm log --json`.
Json json_of(const store::CheckpointInfo& info);
/// `(head, tag: v1) a good moment`, as git decorates a commit.
std::string checkpoint_words(const store::CheckpointInfo& info, store::Version head);

enum class Colour { none, green, yellow, red, grey };

struct Cell {
    std::string text;
    Colour colour = Colour::none;
    bool is_number = false;  ///< to the right
};

/// Columns as wide as they must be; colours only for a terminal, and never with NO_COLOR set. The
/// first row is as long as the header; others may end earlier.
Result<void> print_table(const std::vector<std::string>& header,
                         const std::vector<std::vector<Cell>>& rows);

/// `3.4 MiB`
std::string bytes_for_people(std::uint64_t bytes);
/// `1.20 ms`
std::string microseconds_for_people(std::uint64_t microseconds);

/// `vm: error: not found: no process 'x'; …` on stderr.
void print_error(const Error& error);
/// As print_error(), for what does not stop the work: `vm: warning: …`.
void print_warning(const Error& error);

}  // namespace sojourn::tools
