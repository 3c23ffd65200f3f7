#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/store.hpp"

namespace sojourn::process {

/// What a person types to name a process or one of its checkpoints: `NAME[@ID]`, `NAME[@TAG]`. The
/// name may also be a process's id or the beginning of it.
struct Reference {
    std::string process;
    std::string checkpoint;  ///< its number or a tag; empty: none is named

    /// Errors: invalid_argument.
    static Result<Reference> parse(std::string_view text);
};

/// The checkpoint that `reference` names, nullopt when it names none. A number need not be that of
/// one that is there; of several with a tag, which only ancestors bring about, the newest is meant.
/// Errors: not_found: no checkpoint in the process's history has the tag.
Result<std::optional<store::Version>> checkpoint_of(store::Store& store,
                                                    const store::ProcessRecord& process,
                                                    const Reference& reference);

/// Errors: not_found when it is no checkpoint that the process has taken or has grown from.
Result<void> expect_in_history(const store::Family& family, const store::ProcessRecord& process,
                               store::Version checkpoint);

/// Tags are 1 to 64 letters, digits, `.`, `_` and `-`, the first a letter, without `..`.
/// Errors: invalid_argument.
Result<void> check_tag(std::string_view tag);

/// Names are 1 to 64 letters, digits, `.`, `_` and `-`, the first a letter or digit, and not
/// 32 hexadecimal digits, which is an id. Errors: invalid_argument.
Result<void> check_name(std::string_view name);

/// The process's name, else its id.
std::string display_name(const store::ProcessRecord& record);
/// `job@7`
std::string display_name(const store::ProcessRecord& record, store::Version checkpoint);

/// The record that `name` stands for, as its family has it now. Errors: not_found, with the names
/// that come near.
Result<store::ProcessRecord> find(store::Store& store, const std::string& name);
/// The same by the catalogue alone, by a name or a whole id: id, family and name, also of a process
/// whose family cannot be read. Errors: not_found.
Result<store::ProcessRecord> find_listed(const store::Store& store, const std::string& name);

}  // namespace sojourn::process
