#pragma once

#include <map>
#include <string>
#include <vector>

#include "vm/wasm/module.hpp"

namespace sojourn::vm::jit {

/// What has to be known of a body before code is made of its beginning.
struct BodySurvey {
    std::string refusal;  ///< why the function is left to the interpreter; empty: it is not
    bool calls = false;   ///< other functions
    bool loops = false;
    std::vector<ValueType> locals;  ///< parameters first
    /// By the code offset of a loop: the locals that are set in it.
    std::map<std::uint32_t, std::vector<bool>> set_in_loop;

    [[nodiscard]] bool may_pause() const { return calls || loops; }
};

/// Requires: the function is validated.
BodySurvey survey(const Module& module, const Function& function);

}  // namespace sojourn::vm::jit
