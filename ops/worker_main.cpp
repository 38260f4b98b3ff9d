#include "common/process/signals.hpp"
#include "ops/process_output.hpp"
#include "ops/worker.hpp"

int main(int count, char** arguments) {
  sluice::prepare_process();
  sluice::ops::ProcessOutput output;
  return static_cast<int>(
      sluice::ops::run_worker({arguments + 1, arguments + count}, sluice::workers::all_pools(), output));
}
