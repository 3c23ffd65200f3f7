#pragma once

#include <string>
#include <vector>

#include "tools/vm/verbs.hpp"

/// What can stand where a person is typing.
namespace sojourn::tools {

struct Candidate {
    std::string word;
    std::string what;
};

struct Completion {
    enum class Kind {
        words,        ///< the candidates alone
        files,        ///< besides, whatever files the shell finds
        directories,  ///< besides, directories
    };
    Kind kind = Kind::words;
    std::vector<Candidate> candidates;  ///< those that begin as the last word does
};

/// `words` are those behind `vm`, the last of which, maybe empty, is to be completed. Whatever
/// can't be found out (there is no store, say) has no candidates.
Completion complete(const CLI::App& app, const Invocation& invocation,
                    const std::vector<std::string>& words);

}  // namespace sojourn::tools
