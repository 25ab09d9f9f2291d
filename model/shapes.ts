// The dimension key. Every tensor in this code base ends its name in these letters, and the same
// letters (or words built from them) are the symbolic dimension names of the graphs.
//
//   B texts of a batch      R packed rows          T positions of one row   L text tokens of one text
//   P prompt tokens         D encoder width        H heads                  K head width
//   F feed-forward width    M generator bottleneck C classes                V vocabulary
//   N encoder layers        S (text, prompt layer) pairs of one layer in one batch
//   A adapter slots of a slab
export {};
