#include "tools/vm/code_cache_options.hpp"

#include <CLI/CLI.hpp>

#include "base/quantity.hpp"
#include "tools/vm/store_location.hpp"

namespace sojourn::tools {

void CodeCacheArguments::add_to(CLI::App& verb) {
    verb.add_option("--code-cache", size,
                    "How much compiled code stays in the store for the next run: 64M, 1G, or 0 for "
                    "none; 256M unless given")
        ->type_name("SIZE");
}

Result<process::CodeCacheOptions> CodeCacheArguments::parse() const {
    process::CodeCacheOptions options;
    options.secret_file = code_secret_file();
    if (size == "0") {
        options.bytes_max = 0;
    } else if (!size.empty()) {
        options.bytes_max = TRY(parse_size(size));
    }
    return options;
}

}  // namespace sojourn::tools
