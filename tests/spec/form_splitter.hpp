#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sojourn::spec {

/// A form of a script: from its opening parenthesis to the closing one.
struct Form {
    std::size_t begin = 0;
    std::size_t end = 0;  ///< one past the closing parenthesis
    unsigned line_first = 0;
    unsigned line_last = 0;
    std::string head;  ///< the word after the opening parenthesis

    [[nodiscard]] bool covers(unsigned line) const {
        return line_first <= line && line <= line_last;
    }
};

/// The forms inside `depth` others, in order: 0 for the top level. Knows strings and comments and
/// nothing else of the text format.
std::vector<Form> split_forms(std::string_view text, unsigned depth);

}  // namespace sojourn::spec
