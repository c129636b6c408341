//! Tests over the public face of `release`, in one binary so that they link once.

mod bundle;
mod change;
mod delta;
mod delta_fuzz;
mod delta_levels;
mod delta_pieces;
mod folder;
mod frame_writer;
mod frames;
mod golden;
mod images;
mod index;
mod manifest;
mod manifest_check;
mod migrations;
mod payload_golden;
mod zstd_tool;
