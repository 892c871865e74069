// SPDX-License-Identifier: MIT
// Compiling and linking was the test.
int main() {}
