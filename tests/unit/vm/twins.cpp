#include "tests/unit/vm/twins.hpp"

#include <catch2/catch.hpp>

#include "tests/support/machine_stack.hpp"

namespace sojourn::tests {

std::vector<std::uint64_t> Twins::call_in_step(const std::string& function,
                                               const std::vector<std::uint64_t>& arguments,
                                               std::uint64_t safepoints) {
    interpreted.start(function, arguments);
    compiled.start(function, arguments);
    for (;;) {
        interpreted.machine().pause_every(safepoints);
        compiled.machine().pause_every(safepoints);
        const vm::Stop expected = interpreted.machine().run();
        const vm::Stop stop = compiled.machine().run();
        REQUIRE(stop.index() == expected.index());
        REQUIRE(compiled.machine().stats().safepoints == interpreted.machine().stats().safepoints);
        if (const auto* finished = std::get_if<vm::Finished>(&expected)) {
            REQUIRE(std::get<vm::Finished>(stop).results == finished->results);
            return finished->results;
        }
        REQUIRE(stack_of(compiled.machine(), compiled.heap()) ==
                stack_of(interpreted.machine(), interpreted.heap()));
    }
}

}  // namespace sojourn::tests
