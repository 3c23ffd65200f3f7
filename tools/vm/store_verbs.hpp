#pragma once

namespace CLI {
class App;
}

/// What `vm store` has below it, one file each; as the verbs of verbs.hpp.
namespace sojourn::tools {

struct Invocation;

void add_store_compact(CLI::App& verb, Invocation& invocation);
void add_store_init(CLI::App& verb, Invocation& invocation);
void add_store_repair(CLI::App& verb, Invocation& invocation);
void add_store_stat(CLI::App& verb, Invocation& invocation);
void add_store_verify(CLI::App& verb, Invocation& invocation);

}  // namespace sojourn::tools
