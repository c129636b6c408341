//! Tests over the public face of `release`, in one binary so that they link once.

mod frame_writer;
mod frames;
mod golden;
mod images;
mod index;
mod payload_golden;
mod zstd_tool;
