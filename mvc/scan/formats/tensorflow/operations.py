"""Operations of TensorFlow that do more than compute: by exact name.

An operation is listed if the graph chooses what is read, written, called or connected to. Operations that exchange tensors with the
devices that the process has configured, such as `CollectiveReduceV2` and `_Recv`, are not.
"""

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
    "FileSystemSetConfiguration", "GenerateVocabRemapping", "ImmutableConst",
    "ListSnapshotChunksDataset", "RecordInput", "SerializeTRTResource", "Skipgram",
})  # fmt: skip
_NETWORK = frozenset({
    "BigQueryReader", "BigtableClient", "ConnectTPUEmbeddingHosts", "DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3",
    "DataServiceDatasetV4", "DistributedSave", "GcsConfigureBlockCache", "GcsConfigureCredentials",
    "GenerateBigQueryReaderPartitions", "KafkaDataset", "KafkaReader", "KinesisDataset", "RegisterDataset", "RegisterDatasetV2", "RemoteCall",
    "Rpc", "RpcCall", "RpcClient", "RpcServer", "RpcServerRegister", "RpcServerStart", "TryRpc",
})  # fmt: skip
HOSTILE = _PYTHON | _FILES | _NETWORK
"""Operations that run Python, read or write files, or use the network."""
CODE = frozenset({"RemoteFusedGraphExecute", "XlaCustomCall", "XlaCustomCallV2"})
"""Operations that call a function of a library by its name."""
ENGINES = frozenset({"GetCalibrationDataOp", "InitializeTRTResource", "TRTCalibOp", "TRTEngineOp"})
"""Operations that run engines of TensorRT, or read them."""
SAVING = frozenset({
    "DTensorRestoreV2", "LoadV2", "MergeV2Checkpoints", "Restore", "RestoreSlice", "RestoreV2", "Save", "SaveSlices", "SaveV2",
})  # fmt: skip
"""Operations by which a SavedModel saves and restores itself. Their first input is the path, which their caller gives."""
PATHS = dict.fromkeys(SAVING, (0,)) | dict.fromkeys(
    ("InitializeTRTResource", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2",
     "SimpleMLLoadModelFromPathWithHandle"), (1,)
) | {"MergeV2Checkpoints": (0, 1), "SimpleMLLoadModelFromPath": (0,)}  # fmt: skip
"""The inputs that are paths, of operations that save a model, or read files of it: a constant has to be an asset."""
ATTRIBUTES = {
    "DecodeProtoV2": "descriptor_source", "EncodeProto": "descriptor_source", "FixedUnigramCandidateSampler": "vocab_file",
}  # fmt: skip
"""The attribute that may be a path."""
NO_PATHS = ("local://", "bytes://")
"""How attributes begin that are no paths."""
CONSTANTS = ("Const", "HostConst")


def is_hostile(operation: str) -> bool:
    """Return whether an operation runs Python, reads or writes files, or uses the network."""
    return operation.removeprefix("Flex").removeprefix("Experimental") in HOSTILE or operation in HOSTILE
