"""Operations of TensorFlow that do more than compute: by exact name."""

from __future__ import annotations

_PYTHON = frozenset({"EagerPyFunc", "PyFunc", "PyFuncStateless", "PyClifFunc"})
_FILES = frozenset({
    "AnonymousMemoryCache", "AssertCardinalityFile", "CSVDataset", "CSVDatasetV2", "CacheDataset", "CacheDatasetV2",
    "CreateSummaryDbWriter", "CreateSummaryFileWriter", "DebugIdentity", "DebugIdentityV2", "DebugIdentityV3",
    "DebugNanCount", "DebugNumericSummary", "DebugNumericSummaryV2", "DeleteFile", "DumpTensor", "ExperimentalCSVDataset",
    "ExperimentalLMDBDataset", "ExperimentalSqlDataset", "FixedLengthRecordDataset", "FixedLengthRecordDatasetV2",
    "FixedLengthRecordReader", "FixedLengthRecordReaderV2", "ImportEvent", "LMDBDataset", "LMDBReader", "LoadAndRemapMatrix",
    "LoadDataset", "LoadLibrary", "MatchingFiles", "MatchingFilesDataset", "ExperimentalMatchingFilesDataset", "ReadFile",
    "SaveDataset", "SaveDatasetV2", "SnapshotChunkDataset", "SnapshotDataset", "SnapshotDatasetReader", "SnapshotDatasetV2",
    "SnapshotNestedDatasetReader", "SqlDataset", "TFRecordDataset", "TFRecordDatasetV2", "TFRecordReader",
    "TFRecordReaderV2", "TextLineDataset", "TextLineReader", "TextLineReaderV2", "WholeFileReader", "WholeFileReaderV2",
    "WriteFile", "WriteAudioSummary", "WriteGraphSummary", "WriteHistogramSummary", "WriteImageSummary",
    "WriteRawProtoSummary", "WriteScalarSummary", "WriteSummary", "CalibrationStatisticsSaver", "DatasetToTFRecord",
    "FileSystemSetConfiguration", "GenerateVocabRemapping", "ImmutableConst", "InitializeTRTResource",
    "ListSnapshotChunksDataset", "RecordInput", "SerializeTRTResource", "Skipgram",
})  # fmt: skip
_NETWORK = frozenset({
    "BigQueryReader", "BigtableClient", "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3",
    "DataServiceDatasetV4", "DistributedSave", "GcsConfigureBlockCache", "GcsConfigureCredentials",
    "GenerateBigQueryReaderPartitions", "KafkaDataset", "RegisterDataset", "RegisterDatasetV2", "Rpc", "RpcCall",
    "RpcClient", "RpcServer", "RpcServerRegister", "RpcServerStart", "TryRpc",
})  # fmt: skip
HOSTILE = _PYTHON | _FILES | _NETWORK
"""Operations that run Python, read or write files, or use the network."""
SAVING = frozenset({
    "LoadV2", "MergeV2Checkpoints", "Restore", "RestoreSlice", "RestoreV2", "Save", "SaveSlices", "SaveV2",
})  # fmt: skip
"""Operations by which a SavedModel saves and restores itself. Their first input is the path, which their caller gives."""
PASSING = frozenset({
    "AddV2", "Concat", "ConcatV2", "EnsureShape", "ExpandDims", "Fill", "GatherV2", "Identity", "IdentityN", "Pack",
    "PreventGradient", "Reshape", "ShardedFilename", "ShardedFilespec", "Snapshot", "Squeeze", "StopGradient", "StringJoin",
    "StridedSlice", "Substr",
})  # fmt: skip
"""Operations whose result is constant if their inputs are."""


def is_hostile(operation: str) -> bool:
    """Return whether an operation runs Python, reads or writes files, or uses the network."""
    return operation.removeprefix("Flex").removeprefix("Experimental") in HOSTILE or operation in HOSTILE
