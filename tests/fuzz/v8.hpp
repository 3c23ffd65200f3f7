#pragma once

#include <string>
#include <sys/types.h>

#include "base/file.hpp"
#include "tests/fuzz/module_shape.hpp"

namespace sojourn::fuzz {

/// Another engine to compare with: node's V8, in a host process that lives as long as this.
class V8 {
public:
    /// The one that all share; nullptr when there is no node, or only one that is too old.
    static V8* shared();

    V8(const V8&) = delete;
    V8& operator=(const V8&) = delete;
    ~V8();

    /// What it can run and has to run as the specification says. Relaxed instructions are not
    /// among it: their results are the processor's.
    [[nodiscard]] const Dialect& dialect() const { return dialect_; }

    /// An Observation's text, or `refused: why`.
    std::string observe(Bytes module);

private:
    V8(UniqueFd socket, pid_t pid) : socket_(std::move(socket)), pid_(pid) {}

    [[nodiscard]] bool accepts(const Dialect& dialect);
    bool find_dialect();

    UniqueFd socket_;
    pid_t pid_;
    Dialect dialect_;
};

}  // namespace sojourn::fuzz
