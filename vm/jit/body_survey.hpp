#pragma once

#include <map>
#include <string>
#include <vector>

#include "vm/wasm/module.hpp"

namespace sojourn::vm::jit {

/// What has to be known of a body before code is made of its beginning.
struct BodySurvey {
    std::string refusal;         ///< why the function is left to the interpreter; empty: it is not
    bool calls = false;          ///< other functions
    bool can_be_inlined = true;  ///< neither exceptions nor tail calls
    std::vector<ValueType> locals;  ///< parameters first
    struct Loop {
        std::vector<bool> sets;  ///< by local
        bool calls = false;      ///< other functions, or the machine
        bool is_innermost = true;
        std::uint32_t bytes = 0;  ///< of its body
    };
    std::map<std::uint32_t, Loop> loops;  ///< by code offset
};

/// Requires: the function is validated.
BodySurvey survey(const Module& module, const Function& function);

}  // namespace sojourn::vm::jit
