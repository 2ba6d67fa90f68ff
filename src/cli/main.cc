#include "cli/app.h"

int main(int argc, char** argv) {
  return merganser::cli::run_app(argc, argv);
}
