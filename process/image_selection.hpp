#pragma once

#include "process/reference.hpp"
#include "store/image.hpp"

/// Which checkpoints of a process go into an image, as a person asks for them.
namespace sojourn::process {

struct ImageRequest {
    std::string process;
    // Numbers or tags of checkpoints; empty: none is named.
    std::string first;  ///< all on the way from this one, with it
    std::string last;   ///< or the newest
    bool is_whole_history = false;
    std::string since;  ///< only what whoever has this one needs

    /// Of `N`, `N@ID` or `N@A..B`, and an ID or nothing for `since`. Errors: invalid_argument.
    static Result<ImageRequest> parse(const std::string& text, bool is_whole_history,
                                      const std::string& since);
};

/// Errors: not_found, which names a checkpoint that is not there or did not grow out of the other
/// one; corrupt.
Result<store::ImageContent> select_for_image(store::Store& store,
                                             const store::ProcessRecord& process,
                                             const ImageRequest& request);

}  // namespace sojourn::process
